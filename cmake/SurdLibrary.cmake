# surd_library(<folder> SOURCES <file>... HEADERS <file>... [PUBLIC <target>...] [PRIVATE <target>...])
#   The static library surd_<folder>, known as surd::<folder>, of framework/surd/<folder>. Its headers are
#   installed and checked to compile alone.
# surd_program(<name> SOURCES <file>... LIBRARIES <target>...)
#   An installed program, built into bin/. The target `programs` builds them all.
add_library(surd_warnings INTERFACE)  # linked PRIVATE: consumers inherit none of our flags
target_compile_options(surd_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(surd_warnings INTERFACE -Wno-restrict)  # false alarms in std::string (GCC bug 105651)
endif()
if(SURD_WERROR)
  target_compile_options(surd_warnings INTERFACE -Werror)
endif()

if(SURD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(SURD_CCACHE_PROGRAM ccache)
  mark_as_advanced(SURD_CCACHE_PROGRAM)
  if(SURD_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SURD_CCACHE_PROGRAM})
  endif()
endif()
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)  # libraries outside the system's folders, as Spack's are
add_custom_target(programs)

find_package(Git QUIET)
set(SURD_GIT_REVISION unknown)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE surd_revision
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE surd_revision_status)
  if(surd_revision_status EQUAL 0)
    set(SURD_GIT_REVISION ${surd_revision})
  endif()
endif()

function(surd_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  set(target surd_${folder})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(surd::${folder} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR}/framework FILES ${arg_HEADERS})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/framework>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${folder} POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_link_libraries(${target}
    PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:surd_warnings>)
  install(TARGETS ${target} EXPORT SurdTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()

function(surd_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} surd_warnings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin CXX_EXTENSIONS OFF)
  add_dependencies(programs ${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
