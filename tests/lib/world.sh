# shellcheck shell=bash
# The command `pannier` against servers that nobody tamed. Sourced by tests/run and tests/nightly.

# The tally of the last line. What is pending is known not to hold yet: it is printed by name, is neither
# passed nor skipped, and fails once it holds, so that it leaves the list in tests/world/src/pending.rs.
world_tally() {
  awk '/ passed, .* failed, .* pending, / { p = $1; f = $3; s = $7 } END { print p + 0, f + 0, s + 0 }'
}

# the_world ARGUMENTS...: for the program that runs the scenarios.
the_world() {
  if prepare "the pannier command" cargo build -p pannier-cli --locked; then
    tests world_tally "the world, from outside" cargo run -p pannier-world --locked -- \
      --command "${CARGO_TARGET_DIR:-target}/debug/pannier" "$@"
  else
    skip "the world, from outside" "the pannier command could not be built"
  fi
}
