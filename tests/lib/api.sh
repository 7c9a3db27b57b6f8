# shellcheck shell=bash
# What is public in each language, held to the lists in tests/api. Sourced by tests/run.
#
# A list that differs is a change that apps notice. Where it is meant, PANNIER_ACCEPT_API=1 tests/run PART writes
# the list anew, and the change is reviewed and told in CHANGELOG.md.

# same_api NAME: compares what comes in with tests/api/NAME.txt.
same_api() {
  local known=tests/api/$1.txt found
  found=$(mktemp) || return
  cat >"$found"
  if [ ! -s "$found" ]; then
    echo "nothing was found to be public"
    return 1
  fi
  [ -z "${PANNIER_ACCEPT_API:-}" ] || cp "$found" "$known"
  if ! diff -u "$known" "$found"; then
    echo "What is public of $1 has changed. If that is meant: PANNIER_ACCEPT_API=1 tests/run ${part:-PART}"
    rm "$found"
    return 1
  fi
  rm "$found"
}

oldest_rust() {
  sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml
}

# The same version of Rust is the oldest wherever one is named. What needs a later one is a lint, by rust-version.
same_oldest_rust() {
  local oldest
  oldest=$(oldest_rust)
  grep -F "Rust $oldest or later" README.md && grep -F "Rust $oldest or later" CONTRIBUTING.md
}

# is_oldest_rust: what rustdoc says as JSON has another form with each Rust.
is_oldest_rust() {
  [[ $(rustc --version) == "rustc $(oldest_rust)."* ]]
}

# rust_api CRATE, alone, so that it is seen to compile without the others.
rust_api() {
  local target=${CARGO_TARGET_DIR:-target}
  RUSTDOC=$PWD/tests/lib/rustdoc cargo rustdoc --quiet --locked -p "$1" --lib -- \
    -Z unstable-options --output-format json --cap-lints allow || return
  cargo run --quiet --locked -p pannier-tests --bin public_api -- "$target/doc/${1//-/_}.json" | same_api "$1"
}

# kotlin_api NAME CLASSES MAVEN-REPOSITORY, of the classes that Maven has made.
kotlin_api() {
  local version path
  version=$(sed -n 's/.*<kotlin.version>\(.*\)<.*/\1/p' android/pom.xml)
  path=$(mktemp) || return
  mvn --batch-mode --no-transfer-progress --quiet --file tests/lib/abi-tools.xml "$3" "-Dkotlin.version=$version" \
    dependency:build-classpath "-Dmdep.outputFile=$path" || return
  java -cp "$(cat "$path")" tests/lib/PublicApi.java "$2" | same_api "$1"
  local rc=$?
  rm "$path"
  return $rc
}

# swift_api NAME MODULE LANGUAGE BUILD, by what Swift has built there: without what the bindings keep for themselves, nor
# what is for Apple's systems alone.
swift_api() {
  local found sources
  found=$4-api/$2.swiftinterface
  mkdir -p "$4-api" && mapfile -t sources < <(find "$PWD/ios/Sources/$2" -name '*.swift' | sort) &&
    ios/swift swiftc -typecheck -suppress-warnings -package-name ios -module-name "$2" -swift-version "$3" -enable-library-evolution \
      -no-verify-emitted-module-interface -emit-module-interface-path "$found" -I "$4/debug/Modules" \
      -Xcc "-fmodule-map-file=$PWD/ios/PannierFFI/module.modulemap" "${sources[@]}" || return
  awk '
    /^\/\/ |^(@_exported )?import / { next }
    /@_documentation\(visibility: private\) public struct/ { hidden = 1 }
    hidden { if (/^}/) hidden = 0; next }
    /@_documentation\(visibility: private\)/ { next }
    { print }' "$found" | same_api "$1"
}
