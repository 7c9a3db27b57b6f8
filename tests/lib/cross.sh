# shellcheck shell=bash
# Targets that this machine is not one of. Rust's own libraries are built for them from their source,
# which must be of exactly the compiler's version; nothing is written into the toolchain. Sourced by
# tests/run and tests/nightly.

rust_version() {
  rustc --version | cut -d' ' -f2
}

# Where the source is or will be: the toolchain's, if it has one (rustup component add rust-src).
rust_source() {
  local own
  own=$(rustc --print sysroot)/lib/rustlib/src/rust/library
  if [ -e "$own/Cargo.lock" ]; then
    echo "$own"
  else
    echo "$PANNIER_CACHE/rust-src-$(rust_version)/library"
  fi
}

# Debian's package rust-src, unpacked: nothing is installed, and the system's lists stay as they are.
install_rust_source() {
  local folder=$1 apt=$1/apt mirror version options
  if ! command -v apt-get >/dev/null; then
    echo "missing: the source of Rust's own libraries; rustup component add rust-src"
    return 1
  fi
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ')
  if [ -z "$mirror" ]; then
    echo "no mirror of Debian is known here; with rustup: rustup component add rust-src"
    return 1
  fi
  mkdir -p "$apt"/{etc/apt/{apt.conf.d,preferences.d,trusted.gpg.d},lists/partial,cache/archives/partial} &&
    : >"$apt/status" || return
  for suite in trixie-backports sid experimental; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
  done >"$apt/etc/apt/sources.list"
  options=(-o "Dir::Etc=$apt/etc/apt" -o "Dir::State=$apt" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none
    -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq || return
  version=$(apt-cache "${options[@]}" madison rust-src |
    awk -v version="$(rust_version)" 'index($3, version "+") == 1 { print $3; exit }')
  if [ -z "$version" ]; then
    echo "Debian has no rust-src $(rust_version); with rustup: rustup component add rust-src"
    return 1
  fi
  (cd "$apt" && apt-get "${options[@]}" download -qq "rust-src=$version" &&
    dpkg-deb --fsys-tarfile rust-src_*.deb | tar -x --wildcards './usr/src/rustc-*/library/*') &&
    mv "$apt"/usr/src/rustc-*/library "$folder/library" &&
    rm -r "$apt"
}

prepare_rust_source() {
  local source
  source=$(rust_source)
  case $source in
    "$PANNIER_CACHE"/*)
      prepare "the source of Rust's own libraries" \
        once "${source%/library}" install_rust_source "${source%/library}"
      ;;
  esac
}

# for_target COMMAND...: with the source, and a target folder of its own, kept from run to run.
for_target() {
  env "PANNIER_RUST_SOURCE=$(rust_source)" "CARGO_TARGET_DIR=$PANNIER_CACHE/cross-$(rust_version)" "$@"
}

# The stable compiler builds its own libraries when asked like this only.
# cross SUBCOMMAND TARGET ARGUMENTS...
cross() {
  local subcommand=$1 target=$2 panic=panic_unwind
  shift 2
  case $target in wasm32-*) panic=panic_abort ;; esac
  RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT=$(rust_source) \
    for_target cargo "$subcommand" "-Zbuild-std=std,$panic" --target "$target" --locked "$@"
}

# Lints, and with that type-checks, what ships for a target, with HTTP and without. No C is compiled:
# a stand-in takes the place of the C compiler.
check_target() {
  local target=$1 name=${1//-/_} stand_in=$PWD/tests/lib/stand-in
  (
    export "CC_$name=$stand_in/cc" "AR_$name=$stand_in/ar"
    # No debug information: Rust's own libraries are compiled, only the rest is checked.
    export CARGO_PROFILE_DEV_DEBUG=false
    case $target in *-apple-*) export SDKROOT=$stand_in ;; esac
    cross clippy "$target" -p pannier -p pannier-ffi -- -D warnings &&
      cross clippy "$target" -p pannier -p pannier-ffi --no-default-features -- -D warnings
  )
}

# ARM64 is the processor of nearly all phones and headsets. Here it is Linux's, with Debian's C compiler
# and Rust's own linker.
install_arm64() {
  debian "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" aarch64-linux-gnu-gcc --version
}

install_arm64_emulator() {
  install_arm64 && debian qemu-user-static qemu-aarch64-static --version
}

for_arm64() {
  CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L /usr/aarch64-linux-gnu" "$@"
}

# emulated_arm64 ARGUMENTS...: runs tests. The processor is emulated, the system this machine's own.
# Optimised a little: that costs more to build, and less to build and run.
emulated_arm64() {
  CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_INCREMENTAL=0 \
    for_arm64 cross test aarch64-unknown-linux-gnu --no-fail-fast "$@"
}

# library_size MOST [--no-http]: builds the library that ships, for ARM64 and with relocations packed
# as Android's loader takes them, and fails where it has more bytes than MOST. The last line of the
# output says how many.
library_size() {
  local most=$1 lld library bytes
  lld=$(rustc --print sysroot)/lib/rustlib/$(rustc --print host-tuple)/bin/gcc-ld
  shift
  library=$(RUSTFLAGS="-Clink-arg=-fuse-ld=lld -Clink-arg=-B$lld -Clink-arg=-Wl,--pack-dyn-relocs=android" \
    for_arm64 for_target bindings/build-library mobile cdylib --target aarch64-unknown-linux-gnu "$@") &&
    aarch64-linux-gnu-strip -o "$library.stripped" "$library" || return
  bytes=$(stat --format %s "$library.stripped")
  echo "$bytes bytes stripped, $(gzip -9 --stdout "$library.stripped" | wc -c) gzipped; at most $most"
  [ "$bytes" -le "$most" ]
}
