"""spack_test.py SOURCE BUILD: the Spack recipes and spack.yaml of SOURCE agree with CMake's files, and with the cache in
BUILD of what was configured.
"""
import pathlib
import re
import sys

import yaml

import spack_stand_in as spack

SOURCE, BUILD = (pathlib.Path(path) for path in sys.argv[1:3])
REPOSITORY = SOURCE / "cmake/spack/spack_repo/surd"
# What Spack calls the packages that CMake and pkg-config know by other names. Threads and PkgConfig need none.
NAMES = {"gtest": "googletest", "roaring": "croaring", "zlib": "zlib-api", "hwy": "highway", "hwy-contrib": "highway",
         "nlohmann_json": "nlohmann-json", "pkgconfig": "pkgconfig", "threads": None}


def cmake_options():
    """What CMakeCache.txt has of ours."""
    return set(re.findall(r"^(SURD_\w+|CMAKE_CXX_COMPILER):", (BUILD / "CMakeCache.txt").read_text(), re.M))


def wanted_packages():
    """Spack's names of all that surd_find, find_package and pkg_check_modules ask for."""
    text = (SOURCE / "cmake/SurdDependencies.cmake").read_text()
    found = re.findall(r"^\s*surd_find\((\S+?)[\s)]", text, re.M)
    found += re.search(r"surd_module IN ITEMS ([^)]*)\)", text)[1].split()
    found += re.findall(r"^find_package\((\w+) REQUIRED", (SOURCE / "cmake/RankTest.cmake").read_text(), re.M)
    names = {NAMES.get(name.lower(), name.lower()) for name in found}
    assert {"mpi", "hdf5", "googletest", "highway"} <= names, names
    return names - {None}


def check_package(surd):
    options, directives = cmake_options(), surd.dependencies
    for chosen in spack.choices(surd):
        args = surd(chosen).cmake_args()
        unknown = {re.match(r"-D(\w+):", arg)[1] for arg in args} - options
        assert not unknown, f"CMake has no option {unknown} ({chosen})"
        assert ("-DSURD_TESTS:BOOL=ON" in args) == chosen["tests"]
        reason = spack.refusal(surd, {**chosen, "cuda_arch": "90"} if chosen["cuda"] else chosen)
        assert bool(reason) == (not chosen["mpi"]), f"{chosen}: {reason}"
    assert {"mpi", "openmp", "cuda", "tests"} <= set(surd.variants)
    assert "needs MPI" in spack.refusal(surd, {"mpi": False}) and "name the GPU" in spack.refusal(surd, {"cuda": True})
    assert "cuda_arch" in surd.single, "Kokkos takes one architecture only"
    unconditional = {spack.parse(spec)[0] for spec, when, _ in directives}
    missing = wanted_packages() - unconditional
    assert not missing, f"package.py depends on no {missing}"
    for spec, when, _ in directives:
        unknown = set(spack.parse(when)[2]) - set(surd.variants)
        assert not unknown, f"depends_on({spec!r}, when={when!r}): no variant {unknown}"
    assert surd.licenses == ["BSD-3-Clause"] and surd.versions == ["main"]
    assert {spack.parse(spec)[0] for spec, _, kind in directives if kind == "build"} >= {"c", "cxx", "cmake"}
    assert [name for name in dir(surd) if name.startswith("test_")] == ["test_doctor", "test_version"]
    assert surd.git == SOURCE.resolve().as_uri(), surd.git


def check_cmake_version(surd):
    least = re.search(r"cmake_minimum_required\(VERSION (\S+)\)", (SOURCE / "CMakeLists.txt").read_text())[1]
    assert any(spec == f"cmake@{least}:" for spec, _, _ in surd.dependencies), least


def check_environment(surd):
    environment = yaml.safe_load((SOURCE / "spack.yaml").read_text())["spack"]
    for spec in environment["specs"] + [entry["spec"] for entry in environment["develop"].values()]:
        name, versions, variants = spack.parse(spec)
        assert name == "surd" and set(versions) <= set(surd.versions) and set(variants) <= set(surd.variants), spec
    needed = {spack.parse(spec)[0] for spec, _, _ in surd.dependencies} | {"openmpi", "slurm"}
    openmpi = environment["packages"]["openmpi"]
    assert spack.parse("openmpi " + openmpi["variants"])[2] == {"schedulers": "slurm", "legacylaunchers": True}
    assert environment["packages"]["slurm"] == {"buildable": False}, "Spack would build a Slurm that is not the site's"
    tested = re.search(r"Tested with Open MPI (\S+)", (SOURCE / "README.md").read_text())[1]
    assert openmpi["prefer"] == [f"@{tested}"], f"README says that {tested} is tested"
    for name, settings in environment["packages"].items():
        assert name in needed, f"spack.yaml sets {name}, which surd does not need"
        if name != "mpi":
            for text in [settings.get("require", ""), settings.get("variants", ""), *settings.get("prefer", [])]:
                spack.parse(name + " " + text)
    assert (SOURCE / environment["develop"]["surd"]["path"] / "CMakeLists.txt").exists()
    assert environment["view"]["default"]["root"]
    repository = SOURCE / environment["repos"]["surd"] / "repo.yaml"
    assert yaml.safe_load(repository.read_text())["repo"] == {"namespace": "surd", "api": "v2.0"}


def main():
    surd = spack.load(REPOSITORY / "packages/surd/package.py")
    check_package(surd)
    check_cmake_version(surd)
    check_environment(surd)
    croaring = spack.load(REPOSITORY / "packages/croaring/package.py")
    assert croaring({"shared": True}).cmake_args()[0] == "-DBUILD_SHARED_LIBS:BOOL=ON"
    assert all(spack.parse(spec)[0] for spec, _, _ in croaring.dependencies)


main()
