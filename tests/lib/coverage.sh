# shellcheck shell=bash
# Which lines the Rust tests reach. A report and no gate: a line that is reached may still go unjudged, which is what
# tests/mutations asks.

install_llvm_cov() {
  env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_DEBUG=0 cargo install --locked cargo-llvm-cov --version 0.9.1 --root "$1"
}

# The tools that read what the compiler notes have to be of the compiler's own version.
llvm_major() {
  rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p'
}

# coverage TOOL FOLDER: runs the tests of each crate and those of real files, but not the simulated worlds, which would
# take an hour so; FOLDER gets a page and lcov.info. Prints the files of which least is reached, then the total.
coverage() {
  local tool=$1 folder=$2 bin
  # What a killed process has begun to write is no reason to have no report.
  local whole=(--failure-mode all)
  bin=/usr/lib/llvm-$(llvm_major)/bin
  export LLVM_COV=$bin/llvm-cov LLVM_PROFDATA=$bin/llvm-profdata
  rm -rf "$folder" && mkdir -p "$folder" || return
  "$tool" llvm-cov clean --workspace &&
    "$tool" llvm-cov --no-report --locked --workspace --exclude pannier-tests &&
    "$tool" llvm-cov --no-report --no-clean --locked -p pannier-tests \
      --test crash --test files --test full_disk --test hub --test taken_away &&
    "$tool" llvm-cov report "${whole[@]}" --html --output-dir "$folder" &&
    "$tool" llvm-cov report "${whole[@]}" --lcov --output-path "$folder/lcov.info" || return
  awk -F: -v root="$PWD" '
    /^SF:/ { file = $2; sub("^" root "/", "", file); found = hit = 0 }
    /^LF:/ { found = $2 }
    /^LH:/ { hit = $2 }
    /^end_of_record/ && found {
      all += found; reached += hit
      printf "%5.1f %% of %5d  %s\n", 100 * hit / found, found, file | "sort -n | head -n 20"
    }
    END { close("sort -n | head -n 20"); printf "%.1f %% of %d lines\n", 100 * reached / all, all }
  ' "$folder/lcov.info"
}
