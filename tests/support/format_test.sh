#!/bin/sh
# format_test.sh <source tree>: every tracked C++ file is as clang-format 14 writes it, and within the size limits.
set -eu
cd "$1"
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
  echo "skipped: clang-format 14 is not here, and other versions write other code"
  exit 77
fi
bad=
for file in $(git -c safe.directory='*' ls-files -- '*.hpp' '*.cpp'); do
  clang-format "$file" | cmp -s - "$file" || bad="$bad $file"
done
if [ -n "$bad" ]; then
  echo "not formatted; run: clang-format -i$bad"
fi
long=$(git -c safe.directory='*' ls-files -- '*.hpp' '*.cpp' | xargs awk '
  FNR > (FILENAME ~ /\.hpp$/ ? 200 : 400) && !(FILENAME in said) { said[FILENAME]; print FILENAME }')
if [ -n "$long" ]; then
  printf 'longer than 400 lines (headers: 200):\n%s\n' "$long"
fi
[ -z "$bad$long" ]
