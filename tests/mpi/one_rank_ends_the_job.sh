#!/bin/bash
# one_rank_ends_the_job.sh HOW COMMAND...: COMMAND must end within 5 s with the status and the line that belong
# to what its rank 1, or every rank, throws.
set -u
how=$1
shift

case $how in
  fatal) status=70 line='^\[rank 1, [^]]+\] fatal: disk full on spill$' ;;
  logic) status=70 line='^\[rank 1, [^]]+\] fatal: internal error \(please report\): one is two$' ;;
  foreign) status=70 line='^\[rank 1, [^]]+\] fatal: exception of unknown type$' ;;
  usage | all) status=64 line='^surd: error: the grid is empty$' ;;
  *) echo "unknown case $how" >&2; exit 64 ;;
esac

start=$(date +%s%N)
output=$(timeout 20 "$@" 2>&1)
got=$?
milliseconds=$((($(date +%s%N) - start) / 1000000))

echo "$output"
echo "status $got after $milliseconds ms"
failed=0
[ "$got" -eq "$status" ] || { echo "FAILED: expected status $status"; failed=1; }
[ "$(grep -cE "$line" <<<"$output")" -eq 1 ] || { echo "FAILED: expected one line like $line"; failed=1; }
[ "$milliseconds" -lt 5000 ] || { echo "FAILED: expected less than 5000 ms"; failed=1; }
exit $failed
