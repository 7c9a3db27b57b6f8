# shellcheck shell=bash
# Bodies with contents of attachments: read by what others read them with, Python's `email`, and sent by a client that is
# in use, @xapi/xapi.

install_xapi_js() {
  debian "nodejs npm" npm --version &&
    cp tests/clients/xapi-js/package*.json "$1" &&
    npm --prefix "$1" ci --ignore-scripts --no-audit --no-fund
}

attachments_part() {
  local pins client
  if prepare "Python" debian python3 python3 --version; then
    tests cargo_tests "bodies of several parts, read by Python" cargo test -p pannier-xapi --locked --test multipart -- \
      --ignored
  else
    skip "bodies of several parts, read by Python" "there is no Python"
  fi
  pins=$(sha256sum <tests/clients/xapi-js/package-lock.json)
  client=$PANNIER_CACHE/xapi-js-${pins:0:16}
  if prepare "@xapi/xapi" once "$client" install_xapi_js "$client"; then
    tests cargo_tests "contents sent by @xapi/xapi" env PANNIER_XAPI_JS="$client" \
      cargo test -p pannier-tests --locked --test clients -- --ignored
  else
    skip "contents sent by @xapi/xapi" "it could not be had"
  fi
}
attachments_part
