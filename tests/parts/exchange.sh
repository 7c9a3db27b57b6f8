# shellcheck shell=bash
# One queue, two languages: the Kotlin sample records and the Swift sample delivers, and the other way
# round. Both run by their one command. A badge that checks in on both is one statement at two times, a
# conflict: here each has its own.

# The samples are asked what they say: played SAYS COMMAND... reads what is typed from its input.
played() {
  local says=$1
  shift
  echo "--- $*" >&2
  "$@" | tee /dev/stderr | grep -Fx "$says" >/dev/null || { echo "it did not say: $says"; return 1; }
}

exchange() {
  local target=$1 folder hub url='' rc=0
  folder=$(mktemp -d)
  PANNIER_HUB_USER=me PANNIER_HUB_PASSWORD=s3cret \
    "$target/debug/pannier" --json hub --listen 127.0.0.1:0 >"$folder/hub" &
  hub=$!
  for _ in {1..100}; do
    url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$folder/hub")
    [ -z "$url" ] || break
    sleep 0.1
  done
  export PANNIER_BUILD=$target/kotlin PANNIER_MAVEN=$2 SWIFT_BUILD=$target/swift
  export PANNIER_LRS_USER=me PANNIER_LRS_PASSWORD=s3cret
  {
    printf 'train\nplatform\nticket\n' |
      played "3 answers are in the queue." android/trainer/run "$folder/kotlin.db" &&
      echo ada | PANNIER_LRS=$url played "4 delivered." ios/checkin "$folder/kotlin.db" &&
      printf 'ben\ncem\n' |
      played "Check-ins: 2 not delivered yet." ios/checkin "$folder/swift.db" &&
      PANNIER_LRS=$url played "2 delivered." android/trainer/run "$folder/swift.db" </dev/null
  } || rc=1
  kill "$hub"
  rm -rf "$folder"
  return $rc
}

exchange_part() {
  if prepare "a JDK and Maven" debian "openjdk-17-jdk-headless maven" mvn --version &&
    prepare "Swift" ios/swift --version && prepare "the pannier command" cargo build -p pannier-cli --locked; then
    check "a queue made by Kotlin is delivered by Swift, and the other way round" \
      exchange "$(realpath "${CARGO_TARGET_DIR:-target}")" "-Dmaven.repo.local=$PANNIER_CACHE/maven"
  else
    skip "Kotlin and Swift on one queue" "there is no Maven, no Swift or no pannier command"
  fi
}
exchange_part
