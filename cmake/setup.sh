#!/usr/bin/env bash
# Set-up on Debian 12, from nothing but git and bash. Run it as root, or as a user who may use sudo.
#
#   bash cmake/setup.sh run    installs what is missing, builds, runs the main job on 4 ranks
#   bash cmake/setup.sh test   the same set-up, then builds and passes the tests
#   bash cmake/setup.sh packages   names the packages that are missing
#   bash cmake/setup.sh skipped BUILD   says what of the last tests in BUILD was skipped, and why
#
# Nothing is done twice: packages that are there are not asked for again, the build is incremental, and the job
# resumes from what it has stored.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*" >&2; }

# Names the packages of the given groups that are not installed.
missing() {
  local group wanted=() installed
  for group in "$@"; do
    mapfile -t -O "${#wanted[@]}" wanted < <(awk -v group="$group" '$1 == group { print $2 }' cmake/debian-packages.txt)
  done
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
  for package in "${wanted[@]}"; do
    grep -qx "installed $package" <<<"$installed" || echo "$package"
  done
}

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "$@"
}

# Runs a command while services of new packages (munge, slurmd) do not start: the tests bring up their own.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [[ -e $policy ]]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
  trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
  "$@"
  "${as_root[@]}" rm -f "$policy"
  trap - EXIT
}

install_packages() {
  if ! command -v apt-get dpkg-query >/dev/null; then
    say "No apt here: expecting what cmake/debian-packages.txt lists to be there, as modules or from Spack"
    return
  fi
  local packages
  as_root=()
  mapfile -t packages < <(missing "$@")
  [[ ${#packages[@]} -eq 0 ]] && return
  if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      say "Neither root nor sudo. Ask for these packages, or load them as modules: ${packages[*]}"
      exit 64
    fi
    as_root=(sudo)
  fi
  say "Installing ${packages[*]}"
  apt update
  without_services apt install -y --no-install-recommends "${packages[@]}"
}

# build <preset> <target>...
build() {
  say "Building into build/$1"
  [[ -f build/$1/build.ninja ]] || cmake --preset "$1"
  cmake --build --preset "$1" --target "${@:2}"
}

# mpirun refuses root and more ranks than cores unless told otherwise.
allow_root_and_few_cores() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
  export PMIX_MCA_gds=hash  # else mpirun may hang where a rank is killed as it starts (openpmix issue 1233)
}

run_main_job() {
  install_packages build
  build release programs
  allow_root_and_few_cores
  say "mpirun -n 4 build/release/bin/surd run jobs/ising/job.yaml"
  mpirun -n 4 build/release/bin/surd run jobs/ising/job.yaml
}

pass_tests() {
  install_packages build test
  build release all all_verify_interface_header_sets  # every header also compiles alone
  build asan unit_tests
  say "The unit tests, watched by the address and undefined-behaviour sanitizers"
  ctest --preset asan -L unit
  say "All tests"
  local status=0
  ctest --preset release || status=$?
  name_skipped build/release
  return "$status"
}

# ctest does not print what tests say that are skipped, or that pass and had to leave something out.
name_skipped() {
  local what
  what=$(awk '$2 == "Test:" { test = $3 }
    match($0, /^(-- )? *skipped: /) { print test ": " substr($0, RLENGTH + 1) }' "$1/Testing/Temporary/LastTest.log")
  [[ -z $what ]] || say "Skipped"$'\n'"$what"
}

case "${1:-}" in
  run) run_main_job ;;
  test) pass_tests ;;
  packages) missing build test ;;
  skipped) name_skipped "${2:?the build folder}" ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
esac
