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

# A static library that an app with an SQLite of its own can link, and that works then.
sealed() {
  local folder=$1 library
  mkdir -p "$folder"
  library=$(bindings/build-library dev staticlib) &&
    cp --remove-destination "$library" "$folder/libpannier_ffi.a" &&
    bindings/seal-library "$folder/libpannier_ffi.a" || return
  cat >"$folder/own.c" <<'END'
#include <stdint.h>
#include <stdio.h>
int sqlite3_open_v2(void) { return 4711; }
int sqlite3_step(void) { return 4711; }
uint32_t ffi_pannier_ffi_uniffi_contract_version(void);
int main(void) {
  printf("own %d, ours %d\n", sqlite3_open_v2(), ffi_pannier_ffi_uniffi_contract_version() > 0);
}
END
  cc "$folder/own.c" "$folder/libpannier_ffi.a" -lm -lpthread -ldl -o "$folder/own" &&
    "$folder/own" | grep -Fx "own 4711, ours 1"
}

# What is called has to be declared, and the check for that sees what is not.
privacy() {
  local library=$1/libpannier_ffi.a folder=$1/privacy category call
  mkdir -p "$folder" && ios/Tests/check-privacy "$library" || return
  for call in DiskSpace:statfs DiskSpace:fstatvfs FileTimestamp:fstat SystemBootTime:mach_absolute_time; do
    category=${call%:*} call=${call#*:}
    echo "int $call(void); int use(void) { return $call(); }" >"$folder/use.c" &&
      cc -w -fno-builtin -c "$folder/use.c" -o "$folder/use.o" &&
      ios/Tests/check-privacy "$folder/use.o" &&
      sed "/Category$category</d" ios/Sources/Pannier/PrivacyInfo.xcprivacy >"$folder/without" || return
    if ios/Tests/check-privacy "$folder/use.o" "$folder/without"; then
      echo "nobody has missed $category"
      return 1
    fi
  done
}

# The first block of code that follows this text in the README.
readme_block() {
  awk -v text="$1" 'index($0, text) { on = 1 } /^```/ && on { if (inside) exit; inside = 1; next } inside' ios/README.md
}

# The README's five minutes on Linux, as they stand there: a statement is delivered to a hub. The app has another package in
# a folder called `ios` besides.
five_minutes() {
  local folder=$1 hub=$2 clone=$PWD lrs process rc=0
  rm -rf "$folder" && mkdir -p "$folder/ios/Sources/Other" "$folder/Sources/lessons" || return
  echo 'public let other = 1' >"$folder/ios/Sources/Other/Other.swift"
  cat >"$folder/ios/Package.swift" <<'END'
// swift-tools-version: 6.0
import PackageDescription
let package = Package(
    name: "Other", products: [.library(name: "Other", targets: ["Other"])], targets: [.target(name: "Other")])
END
  readme_block "own, beside \`pannier\`, \`Package.swift\`:" | sed \
    -e 's#\.package(path: "\.\./pannier/swift/Pannier")#&, .package(path: "ios")#' -e "s#\.\./pannier#$clone#" \
    -e 's#\.product(name: "Pannier", [^)]*)#&, .product(name: "Other", package: "ios")#' >"$folder/Package.swift"
  readme_block "\`Sources/lessons/main.swift\`:" >"$folder/Sources/lessons/main.swift"
  printf 'import Other\nprint("and \\(other)")\n' >>"$folder/Sources/lessons/main.swift"
  PANNIER_HUB_USER=pannier PANNIER_HUB_PASSWORD=secret "$hub" --json hub --listen 127.0.0.1:0 >"$folder/hub" &
  process=$!
  until lrs=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$folder/hub") && [ -n "$lrs" ]; do
    kill -0 "$process" || return
    sleep 0.1
  done
  (cd "$folder" && LRS=$lrs LRS_PASSWORD=secret "$clone/ios/swift" run --package-path .) >"$folder/said" || rc=$?
  kill "$process"
  cat "$folder/said"
  [ "$rc" = 0 ] && grep -Fx "1 delivered" "$folder/said" && grep -Fx "and 1" "$folder/said"
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
    check "Swift: what is public" swift_api swift Pannier 6 "$target/swift"
    check "Swift: what is public of the bindings" swift_api swift-bindings PannierBindings 5 "$target/swift"
    check "Swift: what is public of the kit for tests" swift_api swift-testing PannierTesting 6 "$target/swift"
    check "Swift: a static library beside another SQLite" sealed "$target/swift-sealed"
    check "Swift: what the library calls is in the privacy manifest" privacy "$target/swift-sealed"
    check "Swift: the README's five minutes, beside another package called ios" \
      five_minutes "$target/swift-own" "$target/debug/pannier"
    check "Swift: the parts for Apple's systems, against stubs" \
      env SWIFT_BUILD="$target/swift" ios/Tests/check-apple
    check "Swift: the headers of the XCFramework" headers "$target/swift-headers"
  else
    skip "Swift" "Ralph, the pannier command or the bindings could not be had"
  fi
}
swift_part
