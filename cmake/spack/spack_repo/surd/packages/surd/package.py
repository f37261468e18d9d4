# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *


class Surd(CMakePackage, CudaPackage):
    """Resumable batch computing for clusters in square-root memory: sweeps and data jobs that can be killed at any
    moment and never compute again what was finished."""

    # The recipe lives in the repository that it builds, and fetches from this very clone. As part of the
    # environment in the top level's spack.yaml, surd is built from the working tree instead.
    git = Path(__file__).resolve().parents[6].as_uri()

    license("BSD-3-Clause")

    version("main", branch="main")

    # `surd ~mpi` is refused with a reason: one rank, started without a launcher, runs the same code as many.
    variant("mpi", default=True, description="Run on the ranks of an MPI job; surd cannot be built without")
    variant("openmp", default=True, description="Kokkos kernels of user functions run on OpenMP threads")
    variant(
        "cuda_arch",
        description="The GPU",
        values=("none",) + CudaPackage.cuda_arch_values,
        default="none",
        multi=False,  # as Kokkos has it
        sticky=True,
        when="+cuda",
    )
    variant("tests", default=False, description="Build the tests; run them with ctest in the build tree")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.24:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("git", type="build")  # the revision that results and reports name

    depends_on("mpi@3.1:")
    depends_on("hdf5@1.10.8: +mpi +hl")
    depends_on("boost@1.70: +regex +serialization cxxstd=17")
    depends_on("fmt@9:")
    depends_on("spdlog@1.10:")
    depends_on("nlohmann-json@3.11:")
    depends_on("yaml-cpp@0.7:")
    depends_on("cli11@2.1:")
    depends_on("pegtl@3.2:3")
    depends_on("simdjson@3:")
    depends_on("zlib-api")
    depends_on("croaring@2:4")
    depends_on("zstd@1.5:")
    depends_on("xxhash@0.8:")
    depends_on("highway@1.0.3:")
    depends_on("kokkos@4:")
    depends_on("kokkos +openmp", when="+openmp")
    depends_on("kokkos +serial", when="~openmp")
    for arch in CudaPackage.cuda_arch_values:
        depends_on(f"kokkos +cuda +wrapper cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
    depends_on("googletest@1.12: +gmock", when="+tests")
    depends_on("python@3.9:", type="test", when="+tests")
    depends_on("py-h5netcdf", type="test", when="+tests")
    depends_on("py-xarray", type="test", when="+tests")
    depends_on("py-pyyaml", type="test", when="+tests")

    conflicts("~mpi", msg="surd always needs MPI, be it for one rank: openmpi, mpich or the machine's own")
    conflicts("%gcc@:11", msg="surd is C++20")
    conflicts("%clang@:13", msg="surd is C++20")
    conflicts("cuda_arch=none", when="+cuda", msg="name the GPU: cuda_arch=80, 90 ...")

    generator("ninja")

    sanity_check_is_file = [join_path("bin", "surd"), join_path("include", "surd", "batch", "main.hpp")]

    def cmake_args(self):
        args = [
            self.define("SURD_APPS", True),
            self.define("SURD_WERROR", False),
            self.define("SURD_CCACHE", False),
            self.define_from_variant("SURD_TESTS", "tests"),
        ]
        if self.spec.satisfies("+cuda"):  # who includes Kokkos must be compiled by a compiler that knows CUDA
            args.append(self.define("CMAKE_CXX_COMPILER", self["kokkos"].kokkos_cxx))
        return args

    def test_version(self):
        """the installed program says its version"""
        out = Executable(self.prefix.bin.surd)("--version", output=str.split, error=str.split)
        assert "surd" in out

    def test_doctor(self):
        """one rank finds MPI, HDF5 and a writable directory"""
        out = Executable(self.prefix.bin.surd)("doctor", "--json", output=str.split, error=str.split)
        assert '"mpi"' in out and '"warnings"' in out
