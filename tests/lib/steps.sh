# shellcheck shell=bash
# Numbered steps, and one tally over all of them. Sourced by tests/run and tests/nightly.
#
#   check TITLE COMMAND...           counts as one
#   tests COUNTER TITLE COMMAND...   a command that runs tests: each of them counts; COUNTER reads
#                                    its output and prints "PASSED FAILED SKIPPED"
#   prepare TITLE COMMAND...         counts as nothing; false if the command failed
#   skip TITLE REASON                what cannot run here: skipped, or failed with CI set
#   last_said                        shows the last line of the last command's output
#   note TEXT                        something to know, repeated at the end
#
# A command runs in its own process group with its output in a log, and is ended when it exceeds
# the time limit and when this script is interrupted.

passed=0 failed=0 skipped=0 number=0
part= # the part that is running
child=
remarks=()
limit=${PANNIER_STEP_LIMIT:-1800} # seconds
started=$SECONDS
logs=${CARGO_TARGET_DIR:-target}/test-logs
mkdir -p "$logs"

end_child() {
  [ -n "$child" ] || return 0
  kill -TERM -- "-$child" 2>/dev/null || true
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 -- "-$child" 2>/dev/null || break
    sleep 0.2
  done
  kill -KILL -- "-$child" 2>/dev/null || true
  child=
}
trap end_child EXIT
trap 'echo; echo "interrupted"; exit 130' INT TERM HUP

# Runs a command with its output in $log. Shows how it gets on: on a terminal the last line of its
# output, elsewhere a line a minute.
watched() {
  local begin=$SECONDS told=$SECONDS rc=0 line
  number=$((number + 1))
  log=$logs/$(printf '%02d' $number)-$(tr -cs '[:alnum:]' - <<<"$1" | sed 's/-$//').log
  echo "[$number] $1"
  shift
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  set +m
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - begin > limit)); then
      end_child
      echo "ended: it took longer than $limit s" >>"$log"
      return 124
    fi
    line=$(tail -c 300 "$log" | tr -c '[:print:]\n' ' ' | tail -n 1)
    if [ -t 1 ]; then
      printf '\r\033[K    %3d s  %s' $((SECONDS - begin)) "${line:0:68}"
    elif ((SECONDS - told >= 60)); then
      told=$SECONDS
      echo "    … $((SECONDS - begin)) s: $line"
    fi
  done
  wait "$child" || rc=$?
  child=
  [ ! -t 1 ] || printf '\r\033[K'
  return $rc
}

# judge BEGIN RC P F S TITLE COMMAND...: adds to the tally and says how a step went.
judge() {
  local took=$((SECONDS - $1)) rc=$2 p=$3 f=$4 s=$5 title=$6
  shift 6
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ "$rc" -eq 0 ] && [ "$f" -eq 0 ]; then
    echo "    ok in $took s"
    return
  fi
  local again="tests/${0##*/} $part"
  [ "$(type -t "$1")" = function ] || again=$(quoted "$@")
  echo "    FAILED after $took s; from $log:"
  what_failed <"$log" | cut -c1-400 | sed 's/^/    | /'
  echo "    again: $again"
  remarks+=("failed: [$number] $title; again: $again")
}

# What the failed tests said without their stack traces, and then the end of the output.
what_failed() {
  awk '
    /^---- .* stdout ----$/ { said = 1 }
    /^stack backtrace:|^note: |^failures:$/ { said = 0 }
    said && ++lines <= 120
    { last[NR % 40] = $0 }
    END {
      if (lines) print "…"
      for (n = NR < 40 ? 1 : NR - 39; n <= NR; n++) print last[n % 40]
    }'
}

check() {
  local begin=$SECONDS rc=0
  watched "$@" || rc=$?
  judge "$begin" $rc $((rc == 0)) $((rc != 0)) 0 "$@"
}

tests() {
  local counter=$1 begin=$SECONDS rc=0 p f s
  shift
  watched "$@" || rc=$?
  read -r p f s < <("$counter" <"$log")
  if [ $rc -eq 0 ] && [ $((p + f + s)) -eq 0 ]; then
    echo "no test ran" >>"$log"
    rc=1
  fi
  # A command that breaks before, between or after its tests is a failure of its own.
  if [ $rc -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  echo "    $p passed, $f failed, $s skipped"
  judge "$begin" $rc "$p" "$f" "$s" "$@"
}

prepare() {
  local begin=$SECONDS rc=0
  watched "$@" || rc=$?
  judge "$begin" $rc 0 0 0 "$@"
  return $rc
}

skip() {
  number=$((number + 1))
  if [ -n "${CI:-}" ]; then
    failed=$((failed + 1))
    remarks+=("failed: [$number] $1, which cannot run here: $2")
  else
    skipped=$((skipped + 1))
    remarks+=("skipped: [$number] $1: $2")
  fi
  echo "[$number] $1"
  echo "    ${remarks[-1]%%:*}: $2"
}

note() {
  echo "    note: $1"
  remarks+=("note: $1")
}

last_said() {
  echo "    $(tail -n 1 "$log")"
}

quoted() {
  local word out=
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./=:@%,+-]*) out+=" '$word'" ;;
      *) out+=" $word" ;;
    esac
  done
  echo "${out# }"
}

# What `cargo test` says of each of its programs, added up. What says of itself that it is left out is no
# part of this run, and so not of its tally: the tests that need real LRSs are the business of the part "lrs".
cargo_tests() {
  awk '
    /^test result: / { p += $4; f += $6; s += $8 }
    /^test .* \.\.\. ignored, left out: / { s-- }
    END { print p + 0, f + 0, s + 0 }'
}

sum_up() {
  echo
  [ ${#remarks[@]} -eq 0 ] || printf '%s\n' "${remarks[@]}"
  echo "$((SECONDS - started)) s in all"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && { [ -z "${CI:-}" ] || [ "$skipped" -eq 0 ]; }
}
