# cmake -D CHECKER=<CheckLayers.cmake> -D ROOT=<bad_tree> -P layers_test.cmake
# The checker must name exactly the files of bad_tree that break a rule.
execute_process(COMMAND ${CMAKE_COMMAND} -D ROOT=${ROOT} -P ${CHECKER}
  RESULT_VARIABLE status ERROR_VARIABLE report OUTPUT_VARIABLE report)
if(status EQUAL 0)
  message(FATAL_ERROR "the checker passed a tree that breaks the rules")
endif()
foreach(line IN ITEMS
    "base/upward.hpp: 'base' may not include 'ranks'"
    "storage/sideways.cpp: 'storage' may not include 'mpi'"
    "sweep/uses_mpi.cpp: 'sweep' may not include <mpi.h>"
    "gadgets/unknown.hpp: folder 'gadgets' has no level"
    "expression/uses_unknown.hpp: 'expression' may not include 'nothing'")
  string(FIND "${report}" "${line}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "not reported: ${line}\n${report}")
  endif()
endforeach()
if(report MATCHES "legal\\.cpp")
  message(SEND_ERROR "a legal file was reported:\n${report}")
endif()
