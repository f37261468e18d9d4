#!/usr/bin/env bash
# skipped_test.sh SETUP WORK: SETUP says which tests ctest skipped, and why.
set -euo pipefail
setup=$1 work=$2
rm -rf "$work"
mkdir -p "$work"
cat >"$work/CTestTestfile.cmake" <<'EOF'
add_test(Passes echo fine)
add_test(Leaves.Out echo "        skipped: memory, for this machine has none")
add_test(Skips sh -c "echo 'skipped: no cluster here: no root'; exit 77")
add_test(Fails false)
set_tests_properties(Skips PROPERTIES SKIP_RETURN_CODE 77)
EOF
ctest --test-dir "$work" >/dev/null 2>&1 && exit 1
diff <(bash "$setup" skipped "$work" 2>&1) - <<'EOF'

== Skipped
Leaves.Out: memory, for this machine has none
Skips: no cluster here: no root
EOF
sed -i '/kip/d' "$work/CTestTestfile.cmake"
ctest --test-dir "$work" >/dev/null 2>&1 && exit 1
[[ -z $(bash "$setup" skipped "$work" 2>&1) ]]
