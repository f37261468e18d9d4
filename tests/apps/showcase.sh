#!/bin/sh
# Runs a showcase job as its README says, in a folder of its own, and checks its result:
#   showcase.sh MPIEXEC SURD SOURCE_DIR JOB
set -eu
mpiexec=$1 surd=$2 source=$3 job=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$source/jobs" "$folder"
cd "$folder"
"$mpiexec" -n 2 "$surd" run "jobs/$job/job.yaml"
/usr/bin/python3 "jobs/$job/check.py"
"$surd" report "jobs/$job/job.yaml" -o report.html
test -s report.html
