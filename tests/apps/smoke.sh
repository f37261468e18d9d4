#!/bin/sh
# smoke.sh <mpiexec> <surd> <folder of jobs>: every job on 1, 2 and 3 ranks, each time in an empty directory, ends
# with the status its first line names and leaves the same outputs, byte for byte; run again, it computes nothing.
set -eu
mpiexec=$1 surd=$2 jobs=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run_job <ranks> <job>: into $work/<ranks>
run_job() {
  expected=$(sed -n '1s/^# exit status //p' "$2")
  status=0
  (cd "$work/$1" && "$mpiexec" -n "$1" "$surd" run "$2" --quiet) >"$work/log" 2>&1 || status=$?
  if [ "$status" != "$expected" ]; then
    complain "$(basename "$2") on $1 ranks: status $status, not $expected"
    cat "$work/log"
  fi
}

for job in "$jobs"/*.yaml; do
  output=$(sed -n -e 's/^output: {path: \([^,]*\),.*/\1/p' -e 's/^output: \([^{].*\)/\1/p' "$job")
  for ranks in 1 2 3; do
    mkdir -p "$work/$ranks"
    cp -R "$jobs/data" "$work/$ranks"
    run_job "$ranks" "$job"
    cmp "$work/1/$output" "$work/$ranks/$output" || complain "$output differs between 1 and $ranks ranks"
  done
  cp "$work/1/$output" "$work/first"
  run_job 1 "$job"
  cmp "$work/1/$output" "$work/first" || complain "$output differs when run again"
done
[ "$failures" = 0 ]
