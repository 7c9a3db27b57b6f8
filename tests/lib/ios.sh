# shellcheck shell=bash
# The library for iPhones, built where there is no Mac: clang and what is free of Apple's headers and
# symbols come with PyPI's Zig. They are macOS's, so this shows that Pannier's Rust, SQLite and ring can
# be built and linked for iOS, and makes nothing for an app. Sourced by tests/nightly; needs tools.sh
# and cross.sh.

install_zig() {
  venv "$1" ziglang==0.17.0
}

# Where Zig's own files are.
zig_home() {
  echo "$PANNIER_CACHE"/ziglang-0.17.0/lib/python*/site-packages/ziglang
}

# There is no SDK. The last line of the output is the library's path.
ios_library() {
  local stand_in=$PWD/tests/lib/stand-in
  ZIG_HOME=$(zig_home) CC_aarch64_apple_ios=$stand_in/apple-cc SDKROOT=$stand_in \
    for_target bindings/build-library mobile staticlib --target aarch64-apple-ios "$@"
}

# Fails unless every object in the library is Mach-O for ARM64, and for devices, not simulators.
ios_objects() {
  local all fit
  all=$(llvm-ar t "$1" | wc -l) || return
  fit=$(llvm-objdump --macho --private-headers "$1" |
    awk '/ARM64 .* OBJECT /{ arm64 = 1 } arm64 && $1 == "platform" { fit += $2 == "ios"; arm64 = 0 } END { print fit + 0 }')
  echo "$fit of $all objects are for iOS on ARM64; $(stat --format %s "$1") bytes"
  [ "$all" -gt 0 ] && [ "$fit" -eq "$all" ]
}

# Links all of the library with nothing but libSystem, whose list of symbols is macOS's; fails where one
# is missing.
ios_link() {
  local library=$1 folder made=${1%.a}.dylib oldest calls
  oldest=$(sed -n 's/^IPHONEOS_DEPLOYMENT_TARGET = "\(.*\)"$/\1/p' .cargo/config.toml)
  folder=$(dirname "$library")
  sed -E 's/arm64(e|e\.x1)?-(macos|maccatalyst)/arm64-ios/g' "$(zig_home)/lib/libc/darwin/libSystem.tbd" \
    >"$folder/libSystem.tbd" &&
    "$(rustc --print sysroot)/lib/rustlib/$(rustc --print host-tuple)/bin/rust-lld" -flavor darwin \
      -arch arm64 -platform_version ios "$oldest" "$oldest" -dylib -all_load "$library" -L"$folder" -lSystem \
      -o "$made" || return
  calls=$(llvm-nm --extern-only --defined-only "$made" | grep -c ' _uniffi_pannier_ffi_fn_') || true
  echo "no symbol is missing; $(stat --format %s "$made") bytes, $calls calls for Swift"
  [ "$calls" -gt 0 ]
}
