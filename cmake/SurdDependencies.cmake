# Every library surd uses, found once: by surd's own build and, from the installed package, by its users.
# surd_find(<package> <argument>...) is find_package for the former and find_dependency for the latter.
get_property(surd_languages GLOBAL PROPERTY ENABLED_LANGUAGES)
if(NOT C IN_LIST surd_languages)
  enable_language(C)  # CMake's module for HDF5 tries programs in C
endif()
set(MPI_CXX_SKIP_MPICXX ON)  # Open MPI's deprecated C++ bindings warn under -Wextra
set(HDF5_PREFER_PARALLEL ON)
surd_find(MPI 3.1 COMPONENTS C CXX)
surd_find(HDF5 COMPONENTS C HL)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "surd needs HDF5 built with MPI (Debian: libhdf5-openmpi-dev, Spack: hdf5+mpi)")
endif()
surd_find(Boost 1.70 COMPONENTS regex serialization)
surd_find(Threads)
surd_find(fmt)
surd_find(spdlog)
surd_find(nlohmann_json)
surd_find(yaml-cpp)
surd_find(CLI11)
surd_find(pegtl)
surd_find(roaring)
surd_find(PkgConfig)
foreach(surd_module IN ITEMS zstd xxhash hwy)
  if(NOT TARGET PkgConfig::${surd_module})
    pkg_check_modules(${surd_module} REQUIRED IMPORTED_TARGET GLOBAL lib${surd_module})
  endif()
endforeach()
set(surd_extensions ${CMAKE_CXX_EXTENSIONS})
set(CMAKE_CXX_EXTENSIONS OFF)  # Debian's Kokkos would turn them off with a warning
surd_find(Kokkos)
set(CMAKE_CXX_EXTENSIONS ${surd_extensions})

# Debian's Kokkos config names an include directory that does not exist.
get_target_property(surd_kokkos_includes Kokkos::kokkos INTERFACE_INCLUDE_DIRECTORIES)
find_path(surd_kokkos_include Kokkos_Core.hpp HINTS ${surd_kokkos_includes} PATH_SUFFIXES trilinos kokkos)
mark_as_advanced(surd_kokkos_include)
if(surd_kokkos_include AND NOT surd_kokkos_include IN_LIST surd_kokkos_includes)
  set_target_properties(Kokkos::kokkos PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${surd_kokkos_include})
endif()

# HDF5's module offers no target in CMake 3.25.
if(NOT TARGET surd_hdf5)
  add_library(surd_hdf5 INTERFACE IMPORTED GLOBAL)
  target_include_directories(surd_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
  target_compile_definitions(surd_hdf5 INTERFACE ${HDF5_C_DEFINITIONS})
  target_link_libraries(surd_hdf5 INTERFACE ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES} MPI::MPI_C)
endif()
