# shellcheck shell=bash
# Bodies with contents of attachments, read by what others read them with: Python's `email`.

attachments_part() {
  if prepare "Python" debian python3 python3 --version; then
    tests cargo_tests "bodies of several parts, read by Python" cargo test -p pannier-xapi --locked --test multipart -- \
      --ignored
  else
    skip "bodies of several parts, read by Python" "there is no Python"
  fi
}
attachments_part
