# shellcheck shell=bash
# Kotlin and Java: the native library, the bindings, the layer above them, and its tests against the
# real library, the hub and Ralph; the Android parts on Robolectric's Android; the AAR, sources and
# KDoc; the sample.

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

# Robolectric needs androidx.test, which Google publishes; some mirrors of Maven Central have it.
androidx_is_there() {
  [ -d "$PANNIER_CACHE/maven/androidx/test/monitor" ] ||
    mvn --batch-mode --quiet "$1" dependency:get -Dartifact=androidx.test:monitor:1.8.0:aar \
      -Dtransitive=false >/dev/null 2>&1
}

# The sample, played as a person would: its answers have to be in the queue.
run_trainer() {
  local queue=$1/trainer.db
  rm -f "$queue"*
  printf 'train\nplatform\nticket\n' |
    env PANNIER_BUILD="$1" PANNIER_MAVEN="$2" android/trainer/run "$queue" | tee /dev/stderr |
    grep -Fx "3 answers are in the queue."
}

kotlin_part() {
  if ! prepare "a JDK, Maven and strip" install_jdk; then
    skip "Kotlin, Java and Android" "there is no JDK or no Maven"
    return
  fi
  local target lrs built repository profiles=release
  target=$(realpath "${CARGO_TARGET_DIR:-target}")
  built=$target/kotlin
  repository=-Dmaven.repo.local=$PANNIER_CACHE/maven
  lrs=$(lrs_folder)
  androidx_is_there "$repository" || profiles=release,google
  if prepare "the pannier command" cargo build -p pannier-cli --locked && prepare_lrs "$lrs"; then
    # What an earlier build has left of classes that are gone would count as public, and its tests would run.
    rm -rf "$built"/pannier{,-testing,-android,-jvm}/{classes,test-classes}
    # No library for a phone can be linked without the NDK: the AAR is checked for all else.
    tests maven_tests "Kotlin, Java and Android" \
      env PANNIER_COMMAND="$target/debug/pannier" PANNIER_REAL_LRS="$lrs" \
      mvn --batch-mode --no-transfer-progress --file android/pom.xml --activate-profiles "$profiles" \
      "$repository" "-Dpannier.build=$built" -Dpannier.abis=none verify
    check "what is public in Kotlin" kotlin_api kotlin "$built/pannier/classes" "$repository"
    check "what is public of Kotlin's kit for tests" kotlin_api kotlin-testing "$built/pannier-testing/classes" "$repository"
    check "what is public on Android" kotlin_api android "$built/pannier-android/classes" "$repository"
    if [ -e "$built/pannier-android/jna.aar" ]; then
      if [ "$(uname -sm)" = "Linux x86_64" ]; then
        check "what the check of the AAR finds" android/check-aar-test \
          "$built"/pannier-android/{pannier-android-*,jna,jna-old}.aar "$built/prepared/native"/*/libpannier_ffi.so
      else
        skip "what the check of the AAR finds" "its test links libraries with a compiler for x86-64"
      fi
      check "the vocabulary trainer, by its one command" run_trainer "$built" "$repository"
    else
      skip "the AAR and the trainer" "they were not built"
    fi
  else
    skip "Kotlin, Java and Android" "Ralph or the pannier command could not be had"
  fi
}
kotlin_part
