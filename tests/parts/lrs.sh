# shellcheck shell=bash
# End to end against LRSs that others wrote: Ralph and Learning Locker's statements service.

lrs_part() {
  local folder
  folder=$(lrs_folder)
  if prepare "the pannier command" cargo build -p pannier-cli --locked &&
    prepare_lrs "$folder"; then
    # More threads than processors: most of the time a test waits for its LRS.
    tests cargo_tests "real LRSs" env PANNIER_REAL_LRS="$folder" \
      cargo test -p pannier-tests --locked --no-fail-fast --test real_lrs -- --ignored --test-threads 4
  else
    skip "real LRSs" "they or the pannier command could not be had"
  fi
}
lrs_part
