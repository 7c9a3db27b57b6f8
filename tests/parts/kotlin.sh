# shellcheck shell=bash
# Kotlin and Java on the JVM: the native library, the bindings, the layer above them, and its tests
# against the real library, the hub and Ralph.

install_jdk() {
  debian "openjdk-17-jdk-headless maven" javac -version && debian maven mvn --version &&
    debian binutils strip --version
}

# What Maven's test runner says at the end of each module.
maven_tests() {
  awk '
    /Tests run: .*Time elapsed/ { next }
    match($0, /Tests run: [0-9]+, Failures: [0-9]+, Errors: [0-9]+, Skipped: [0-9]+/) {
      split(substr($0, RSTART, RLENGTH), n, /[^0-9]+/)
      failed += n[3] + n[4]; skipped += n[5]; run += n[2]
    }
    END { print run - failed - skipped + 0, failed + 0, skipped + 0 }'
}

kotlin_part() {
  if ! prepare "a JDK, Maven and strip" install_jdk; then
    skip "Kotlin and Java" "there is no JDK or no Maven"
    return
  fi
  local target lrs
  target=$(realpath "${CARGO_TARGET_DIR:-target}")
  lrs=$(lrs_folder)
  if prepare "the pannier command" cargo build -p pannier-cli --locked && prepare_lrs "$lrs"; then
    tests maven_tests "Kotlin and Java" \
      env PANNIER_COMMAND="$target/debug/pannier" PANNIER_REAL_LRS="$lrs" \
      mvn --batch-mode --no-transfer-progress --file android/pom.xml \
      "-Dmaven.repo.local=$PANNIER_CACHE/maven" "-Dpannier.build=$target/kotlin" test
  else
    skip "Kotlin and Java" "Ralph or the pannier command could not be had"
  fi
}
kotlin_part
