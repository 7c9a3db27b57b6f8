# shellcheck shell=bash
# Kotlin and Java on the JVM: the native library, the bindings, the layer above them, and its tests
# against the real library and the hub.

install_jdk() {
  debian "openjdk-17-jdk-headless maven" javac -version && debian maven mvn --version &&
    debian binutils strip --version
}

# What Maven's test runner says at its end.
maven_tests() {
  awk '
    /Tests run: .*Time elapsed/ { next }
    match($0, /Tests run: [0-9]+, Failures: [0-9]+, Errors: [0-9]+, Skipped: [0-9]+/) {
      split(substr($0, RSTART, RLENGTH), n, /[^0-9]+/)
      f = n[3] + n[4]; s = n[5]; p = n[2] - f - s
    }
    END { print p + 0, f + 0, s + 0 }'
}

kotlin_part() {
  if ! prepare "a JDK, Maven and strip" install_jdk; then
    skip "Kotlin" "there is no JDK or no Maven"
    return
  fi
  if prepare "the command, for its hub" cargo build -p pannier-cli --locked; then
    tests maven_tests "Kotlin and Java" env PANNIER_COMMAND="$(realpath "${CARGO_TARGET_DIR:-target}/debug/pannier")" \
      mvn --batch-mode --no-transfer-progress --file android/pom.xml \
      "-Dmaven.repo.local=$PANNIER_CACHE/maven" "-Dpannier.build=$(realpath "${CARGO_TARGET_DIR:-target}")/kotlin" test
  else
    skip "Kotlin" "the command could not be built"
  fi
}
kotlin_part
