# What find_package(Surd) needs, installed next to the libraries. The tree may be moved: no absolute paths of ours.
include(CMakePackageConfigHelpers)
set(surd_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Surd)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/SurdConfig.cmake.in ${PROJECT_BINARY_DIR}/SurdConfig.cmake
  INSTALL_DESTINATION ${surd_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/SurdConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT SurdTargets NAMESPACE surd:: DESTINATION ${surd_package_dir})
install(FILES ${PROJECT_BINARY_DIR}/SurdConfig.cmake ${PROJECT_BINARY_DIR}/SurdConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/SurdDependencies.cmake DESTINATION ${surd_package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/slurm/ DESTINATION ${CMAKE_INSTALL_DATADIR}/surd/slurm
  FILES_MATCHING PATTERN *.sbatch PATTERN supervise.sh PATTERN README.md)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs/ising DESTINATION ${CMAKE_INSTALL_DATADIR}/surd/jobs USE_SOURCE_PERMISSIONS
  PATTERN __pycache__ EXCLUDE)

# Module files, for sites without Spack: `module use PREFIX/share/modulefiles`, then `module load surd`.
set(SURD_MODULES "" CACHE STRING "Modules that surd's own module loads first, as openmpi/4.1.4;hdf5/1.14")
set(surd_lua_depends)
set(surd_tcl_depends)
foreach(module IN LISTS SURD_MODULES)
  string(APPEND surd_lua_depends "depends_on(\"${module}\")\n")
  string(APPEND surd_tcl_depends "module load ${module}\n")
endforeach()
set(surd_module ${PROJECT_BINARY_DIR}/modulefiles/surd/${PROJECT_VERSION})
set(surd_installed_prefix "@surd_installed_prefix@")  # known when surd is installed
configure_file(${PROJECT_SOURCE_DIR}/cmake/modules/surd.lua.in ${surd_module}.lua.in @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/modules/surd.tcl.in ${surd_module}.in @ONLY)
install(CODE "get_filename_component(surd_installed_prefix \"\${CMAKE_INSTALL_PREFIX}\" ABSOLUTE)
  configure_file(\"${surd_module}.lua.in\" \"${surd_module}.lua\" @ONLY)
  configure_file(\"${surd_module}.in\" \"${surd_module}\" @ONLY)")
install(FILES ${surd_module}.lua ${surd_module} DESTINATION ${CMAKE_INSTALL_DATADIR}/modulefiles/surd)
