# add_unit_test(<name> SOURCES <file>... LIBRARIES <target>... [TIMEOUT <seconds>] [LABELS <label>...])
#   One process, gtest's own main; one ctest entry for the whole binary, labelled unit. The target `unit_tests` builds
#   them all.
# add_rank_test(<name> RANKS <n>... SOURCES <file>... LIBRARIES <target>... [TIMEOUT <seconds>])
#   The same binary under mpiexec, once per rank count, with tests/support/rank_main.cpp.
# add_script_test(<name> COMMAND <argument>... [RANKS <n>] [TIMEOUT <seconds>] [LABELS <label>...])
#   Any command; RANKS is how many cores it keeps busy. Commands that are given mpiexec are labelled ranks.
find_package(GTest REQUIRED)
add_custom_target(unit_tests)
set(SURD_TEST_TIMEOUT 60 CACHE STRING "Seconds after which a test counts as hung")
set(surd_mpi_environment "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_rmaps_base_oversubscribe=1;OMPI_MCA_mpi_yield_when_idle=1;OMPI_MCA_btl_vader_single_copy_mechanism=none;OMPI_MCA_hwloc_base_binding_policy=none;MPIR_CVAR_POLLS_BEFORE_YIELD=1;PMIX_MCA_gds=hash")

function(add_unit_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gmock GTest::gtest_main surd_warnings)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  add_dependencies(unit_tests ${name})
  add_script_test(${name} COMMAND $<TARGET_FILE:${name}> TIMEOUT ${arg_TIMEOUT} LABELS unit ${arg_LABELS})
endfunction()

function(add_rank_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "RANKS;SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} surd_rank_main GTest::gmock surd_warnings)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  foreach(n IN LISTS arg_RANKS)
    add_script_test(${name}.${n} RANKS ${n} TIMEOUT ${arg_TIMEOUT}
      COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${n} $<TARGET_FILE:${name}>)
  endforeach()
endfunction()

function(add_script_test name)
  cmake_parse_arguments(arg "" "RANKS;TIMEOUT" "COMMAND;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT ${SURD_TEST_TIMEOUT})
  endif()
  if(NOT arg_RANKS)
    set(arg_RANKS 1)
  endif()
  if(arg_RANKS GREATER 2)
    set(arg_RANKS 2)  # more would never be scheduled together on a two-core machine; ranks yield when idle
  endif()
  if(MPIEXEC_EXECUTABLE IN_LIST arg_COMMAND)
    list(APPEND arg_LABELS ranks)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES PROCESSORS ${arg_RANKS} TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
    ENVIRONMENT "${surd_mpi_environment}")
endfunction()
