# SPDX-License-Identifier: BSD-3-Clause
from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *


class Croaring(CMakePackage):
    """Roaring bitmaps: compressed sets of integers. Here because Spack's own packages have no recipe of it."""

    homepage = "https://roaringbitmap.org"
    url = "https://github.com/RoaringBitmap/CRoaring/archive/refs/tags/v4.2.1.tar.gz"

    license("Apache-2.0 OR MIT")

    version("4.2.1", sha256="3514728e9eb8c90dbc00a9e337302eb458c65be2f9501a3e882d051599c4a74c")
    version("2.1.2", sha256="a53d2f540f78ddae31e30c573b1b7fd41d7257d6a090507ba35d9c398712e5ad")

    variant("shared", default=True, description="Build shared libraries")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.15:", type="build")

    sanity_check_is_file = [join_path("include", "roaring", "roaring.hh")]

    def cmake_args(self):
        return [
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
            self.define("ENABLE_ROARING_TESTS", False),
        ]
