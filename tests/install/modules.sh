#!/usr/bin/env bash
# modules.sh PREFIX WORK: `module load surd && surd doctor` on what is installed in PREFIX, with Lmod and with
# Environment Modules, whichever this machine has, and with the Tcl module file in Lmod too. A tool elsewhere is
# named by MODULECMD, the program that writes a shell's commands.
set -euo pipefail
prefix=$1 work=$2

# check TOOL PREFIX: loads, runs, unloads; in a shell of its own.
check() (
  tool=$1 root=$2
  unset MODULEPATH LOADEDMODULES
  module() { eval "$("$tool" bash "$@")"; }
  module use "$root/share/modulefiles"
  module load surd
  [[ $(command -v surd) == "$root/bin/surd" && $SURD_ROOT == "$root" && :$CMAKE_PREFIX_PATH: == *:$root:* ]]
  surd doctor --work "$work" >/dev/null
  module unload surd
  [[ :$PATH: != *:$root/bin:* && -z ${SURD_ROOT-} ]]
  echo "$tool: $root"
)

tcl_only=$work/tcl-only
mkdir -p "$tcl_only/share/modulefiles/surd"
find "$prefix/share/modulefiles/surd" -type f ! -name '*.lua' -exec cp {} "$tcl_only/share/modulefiles/surd" \;
ln -sfn "$prefix/bin" "$tcl_only/bin"

checked=0
for tool in ${MODULECMD-} /usr/share/lmod/lmod/libexec/lmod /usr/lib/*/modulecmd.tcl; do
  [[ -x $tool ]] || continue
  check "$tool" "$prefix"
  check "$tool" "$tcl_only"
  checked=$((checked + 1))
done
if [[ $checked == 0 ]]; then echo "neither Lmod nor Environment Modules here: module files not tested"; fi
