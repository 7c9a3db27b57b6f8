# shellcheck shell=bash
# End to end against LRSs that others wrote: Ralph and Learning Locker's statements service.

install_lrs() {
  venv "$1/ralph" --requirement tests/lrs/ralph/requirements.txt &&
    debian "nodejs npm" npm --version &&
    mkdir "$1/learning-locker" &&
    cp tests/lrs/learning-locker/package*.json "$1/learning-locker" &&
    npm --prefix "$1/learning-locker" ci --ignore-scripts --no-audit --no-fund
}

lrs_part() {
  local pins folder
  pins=$({ python3 --version; cat tests/lrs/ralph/requirements.txt tests/lrs/learning-locker/package-lock.json; } | sha256sum)
  folder=$PANNIER_CACHE/lrs-${pins:0:16}
  if prepare "the pannier command" cargo build -p pannier-cli --locked &&
    prepare "Ralph and Learning Locker, which take a minute the first time" once "$folder" install_lrs "$folder"; then
    # More threads than processors: most of the time a test waits for its LRS.
    tests cargo_tests "real LRSs" env PANNIER_REAL_LRS="$folder" \
      cargo test -p pannier-tests --locked --no-fail-fast --test real_lrs -- --ignored --test-threads 4
  else
    skip "real LRSs" "they or the pannier command could not be had"
  fi
}
lrs_part
