# shellcheck shell=bash
# LRSs that others wrote: Ralph and Learning Locker's statements service. Sourced by tests/run.

# Where they are, once they are installed: a folder for each set of versions.
lrs_folder() {
  local pins
  pins=$({ python3 --version; cat tests/lrs/ralph/requirements.txt tests/lrs/learning-locker/package-lock.json; } | sha256sum)
  echo "$PANNIER_CACHE/lrs-${pins:0:16}"
}

install_lrs() {
  venv "$1/ralph" --requirement tests/lrs/ralph/requirements.txt &&
    debian "nodejs npm" npm --version &&
    mkdir "$1/learning-locker" &&
    cp tests/lrs/learning-locker/package*.json "$1/learning-locker" &&
    npm --prefix "$1/learning-locker" ci --ignore-scripts --no-audit --no-fund
}

prepare_lrs() {
  prepare "Ralph and Learning Locker, which take a minute the first time" once "$1" install_lrs "$1"
}
