# shellcheck shell=bash
# Signatures both ways between Pannier and what others sign with: OpenSSL's command and Python's cryptography; and the
# example of docs/signatures.md.

signatures_part() {
  local peer=$PANNIER_CACHE/cryptography-48.0.0
  if prepare "OpenSSL's command" debian openssl openssl version &&
    prepare "Python's cryptography" once "$peer" venv "$peer" cryptography==48.0.0; then
    tests cargo_tests "signatures of others" env PANNIER_PYTHON="$peer/bin/python" \
      cargo test -p pannier-signature --locked --no-fail-fast --test peers -- --ignored
    tests cargo_tests "the example of docs/signatures.md" cargo test -p pannier-cli --locked --test command -- \
      --ignored --exact signatures::the_example_of_the_page_works
  else
    skip "signatures of others" "OpenSSL or Python's cryptography could not be had"
  fi
}
signatures_part
