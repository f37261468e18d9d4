#!/bin/sh
# Runs a data showcase as its README says, on little data, and checks its result against a plain loop:
#   data_showcase.sh MPIEXEC SURD SURD_DATA SOURCE_DIR JOB
set -eu
mpiexec=$1 surd=$2 data=$3 source=$4 job=$5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$source/jobs" "$folder"
cd "$folder"
case $job in
  sales)
    "$data" sales --bytes 24MiB -o sales.csv
    "$mpiexec" -n 2 "$surd" run jobs/sales/job.yaml
    "$data" expect sales sales.csv -o expected.csv
    "$data" check equal top.csv expected.csv
    ;;
  log)
    "$data" log --bytes 24MiB -o requests.jsonl
    echo '{"time": "never", "status": "teapot"}' >>requests.jsonl
    "$mpiexec" -n 2 "$surd" run jobs/log/job.yaml
    grep -q teapot errors.csv.bad.csv
    sed -i '$d' requests.jsonl
    "$data" expect log requests.jsonl -o expected.csv
    "$data" check equal errors.csv expected.csv
    ;;
  records)
    "$data" records --bytes 48MB -o records.bin
    "$mpiexec" -n 2 "$surd" run jobs/records/job.yaml
    "$data" check sorted --record 100 --key 0:10 sorted.bin records.bin
    ;;
esac
