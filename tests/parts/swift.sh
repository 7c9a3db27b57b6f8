# shellcheck shell=bash
# Swift on Linux: the native library, the bindings, the layer above them, and its tests against the
# real library, the hub and Ralph.

# What Swift Testing says of each of its tests.
swift_tests() {
  awk '
    /^[^ ]+ Test [A-Za-z0-9_]+\(.*\) passed after / { p++ }
    /^[^ ]+ Test [A-Za-z0-9_]+\(.*\) failed after / { f++ }
    /^[^ ]+ Test [A-Za-z0-9_]+\(.*\) skipped/ { s++ }
    END { print p + 0, f + 0, s + 0 }'
}

# What an XCFramework has beside its libraries is found by its module's name alone.
headers() {
  PANNIER_PROFILE=dev ios/build-xcframework --headers-only "$1" &&
    echo 'import PannierFFI; _ = ffi_pannier_ffi_uniffi_contract_version()' >"$1/use.swift" &&
    ios/swift swiftc -typecheck -I "$1/headers" "$1/use.swift"
}

# The package says the same of the oldest systems as .cargo/config.toml, by which the library is built.
oldest_systems() {
  local ios macos
  ios=$(sed -n 's/^IPHONEOS_DEPLOYMENT_TARGET = "\([0-9]*\)\.0"$/\1/p' .cargo/config.toml)
  macos=$(sed -n 's/^MACOSX_DEPLOYMENT_TARGET = "\([0-9]*\)\.0"$/\1/p' .cargo/config.toml)
  grep -F "platforms: [.iOS(.v$ios), .macOS(.v$macos)]," ios/Package.swift &&
    grep -F "iOS $ios and macOS $macos or later" ios/README.md
}

swift_part() {
  local target lrs
  target=$(realpath "${CARGO_TARGET_DIR:-target}")
  lrs=$(lrs_folder)
  check "Swift: the oldest systems of the library and of the package" oldest_systems
  if ! prepare "Swift, which takes two minutes and 2.6 GB the first time" ios/swift --version; then
    skip "Swift" "there is no Swift, and Debian's could not be installed"
    return
  fi
  if prepare "the pannier command" cargo build -p pannier-cli --locked && prepare_lrs "$lrs" &&
    prepare "the bindings" ios/prepare; then
    tests swift_tests "Swift" \
      env PANNIER_COMMAND="$target/debug/pannier" PANNIER_REAL_LRS="$lrs" \
      SWIFT_BUILD="$target/swift" ios/swift test
    check "Swift: the parts for Apple's systems, against stubs" \
      env SWIFT_BUILD="$target/swift" ios/Tests/check-apple
    check "Swift: the headers of the XCFramework" headers "$target/swift-headers"
  else
    skip "Swift" "Ralph, the pannier command or the bindings could not be had"
  fi
}
swift_part
