#!/usr/bin/env bash
# modules.sh PREFIX WORK [moved]: `module load surd && surd doctor` on what is installed in PREFIX, and perhaps was moved
# there, with Lmod and with Environment Modules, whichever this machine has, and with the Tcl module file in Lmod too. A
# tool elsewhere is named by MODULECMD, the program that writes a shell's commands.
set -euo pipefail
prefix=$1 work=$2 moved=${3-}

# check TOOL MODULEFILES PREFIX: loads, runs, unloads; in a shell of its own.
check() (
  tool=$1 files=$2 root=$3
  unset MODULEPATH LOADEDMODULES
  module() { eval "$("$tool" bash "$@")"; }
  module use "$files"
  module load surd
  [[ $(command -v surd) == "$root/bin/surd" && $SURD_ROOT == "$root" && :$CMAKE_PREFIX_PATH: == *:$root:* ]]
  surd doctor --work "$work" >/dev/null
  module unload surd
  [[ :$PATH: != *:$root/bin:* && -z ${SURD_ROOT-} ]]
  echo "$tool: $files"
)

# refuse TOOL MODULEFILES: says that surd is not where it was installed, and loads nothing.
refuse() (
  unset MODULEPATH LOADEDMODULES
  export MODULEPATH=$2
  said=$("$1" bash load surd 2>&1 >"$work/commands" | tr -s '[:space:]' ' ' || true)
  [[ $said == *"surd was installed in "*" and is not there"* ]] && ! grep -q SURD_ROOT "$work/commands"
)

# only TREE SHARE FILTER...: a tree with one of the two module files, as if it had been installed with its data in SHARE.
only() {
  local file files=$work/$1/$2/modulefiles/surd
  mkdir -p "$files"
  find "$prefix/share/modulefiles/surd" -type f "${@:3}" | while read -r file; do
    sed "s|/share/modulefiles|/$2/modulefiles|" "$file" >"$files/${file##*/}"
  done
  ln -sfn "$prefix/bin" "$work/$1/bin"
}

odd=share-0.1/c++
rm -rf "$work"/{tcl,odd-tcl,odd-lua,linked,site}
only tcl share ! -name '*.lua'
only odd-tcl "$odd" ! -name '*.lua'
only odd-lua "$odd" -name '*.lua'
ln -s "$prefix/share/modulefiles" "$work/linked"
mkdir -p "$work/site/share"
cp -r "$prefix/share/modulefiles" "$work/site/share"

checked=0
for tool in ${MODULECMD-} /usr/share/lmod/lmod/libexec/lmod /usr/lib/*/modulecmd.tcl; do
  [[ -x $tool ]] || continue
  check "$tool" "$prefix/share/modulefiles" "$prefix"
  check "$tool" "$work/tcl/share/modulefiles" "$work/tcl"
  for tree in odd-tcl odd-lua; do check "$tool" "$work/$tree/$odd/modulefiles" "$work/$tree"; done
  for files in "$work/linked" "$work/site/share/modulefiles"; do
    if [[ $moved ]]; then refuse "$tool" "$files"; else check "$tool" "$files" "$prefix"; fi
  done
  checked=$((checked + 1))
done
if [[ $checked == 0 ]]; then echo "skipped: module files, for neither Lmod nor Environment Modules is here"; fi
