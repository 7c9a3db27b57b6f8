# shellcheck shell=bash
# What ships, for the targets that it ships for, as far as a machine without their kits can tell; and
# the size of the library.

# The mobile library's budgets in bytes; docs/performance.md, "The size of the library".
most_with_http=4185000
most_without_http=2980000

targets_part() {
  local target
  if ! prepare_rust_source; then
    skip "Android and iOS" "the source of Rust's own libraries could not be had"
    skip "the size of the library" "the source of Rust's own libraries could not be had"
    return
  fi
  for target in aarch64-linux-android armv7-linux-androideabi x86_64-linux-android \
    aarch64-apple-ios aarch64-apple-ios-sim; do
    check "types and lints for $target" check_target "$target"
  done

  # Statements can be validated in a browser.
  check "types and lints of pannier-xapi for wasm32-unknown-unknown" \
    cross clippy wasm32-unknown-unknown -p pannier-xapi -- -D warnings

  if prepare "a C compiler for ARM64" install_arm64; then
    check "size of the library" library_size "$most_with_http"
    last_said
    check "size of the library without HTTP" library_size "$most_without_http" --no-http
    last_said
  else
    skip "the size of the library" "there is no C compiler for ARM64"
  fi
}
targets_part
