#!/bin/sh
# tidy_test.sh <source tree> <build tree> [file...]: clang-tidy has nothing to say about the files, all by default.
set -eu
cd "$1"
build=$2
shift 2
if ! command -v clang-tidy >/dev/null; then
  echo "skipped: clang-tidy is not here"
  exit 77
fi
# shellcheck disable=SC2046  # no spaces in our file names
[ $# -gt 0 ] || set -- $(git -c safe.directory='*' ls-files -- 'framework/*.cpp' 'apps/*.cpp')
printf '%s\n' "$@" | xargs -n 2 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>/dev/null
