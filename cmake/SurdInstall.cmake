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
  FILES_MATCHING PATTERN *.sbatch PATTERN supervise.sh PATTERN README.md PATTERN test-cluster EXCLUDE)
