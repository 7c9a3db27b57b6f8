# shellcheck shell=bash
# Tools that the tests need, installed once: Debian's into the system if they are missing, others
# into $PANNIER_CACHE under their version. Sourced by tests/run.

# debian PACKAGES TEST...: installs the packages unless the test command succeeds.
debian() {
  local packages=$1
  shift
  "$@" >/dev/null 2>&1 && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: $packages (in Debian: apt-get install $packages)"
    return 1
  fi
  # shellcheck disable=SC2086 # a list of words
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
}

# once FOLDER COMMAND...: makes FOLDER by the command unless an earlier run has; one run at a time.
once() {
  local folder=$1
  shift
  mkdir -p "$(dirname "$folder")" || return
  (
    flock 9
    [ ! -e "$folder/.complete" ] || exit 0
    rm -rf "$folder" && mkdir "$folder" && "$@" && touch "$folder/.complete"
  ) 9>"$folder.lock"
}

# venv FOLDER PIP-ARGUMENTS...: a Python environment with what pip installs by the arguments.
venv() {
  local folder=$1
  shift
  debian "python3 python3-venv" python3 -c 'import ensurepip, venv' &&
    python3 -m venv "$folder" &&
    "$folder/bin/pip" install --disable-pip-version-check --progress-bar off "$@"
}
