# Installs BUILD into WORK, builds and runs CONSUMER against it, then moves the installed tree and does it again, and
# loads its module files.
cmake_minimum_required(VERSION 3.24)

function(must what)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${what}: status ${status} of ${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(serve prefix)
  set(build ${WORK}/build-${prefix})
  must("configure" ${CMAKE_COMMAND} -S ${CONSUMER} -B ${build} -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER}
    "-DCMAKE_CXX_FLAGS=${FLAGS}" -D CMAKE_EXPORT_COMPILE_COMMANDS=ON -D CMAKE_PREFIX_PATH=${WORK}/${prefix})
  must("build" ${CMAKE_COMMAND} --build ${build})
  file(READ ${build}/compile_commands.json commands)
  if(commands MATCHES "-W(all|error)|-march|framework")
    message(FATAL_ERROR "surd's own flags or sources reached its user:\n${commands}")
  endif()
  must("run" ${MPIEXEC} -n 2 ${build}/squares run ${CONSUMER}/squares.yaml --work work-${prefix} --quiet
    --set output=${prefix}.csv)
  file(STRINGS ${WORK}/${prefix}.csv lines)
  list(LENGTH lines count)
  if(NOT count EQUAL 11 OR NOT "9,done,81" IN_LIST lines)
    message(FATAL_ERROR "not the squares of 0 to 9: ${lines}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
must("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
must("installed program" ${WORK}/prefix/bin/surd --version)
must("the README's job" sh -c "cp -r prefix/share/surd/* . && test -x jobs/ising/check.py && test -e slurm/sweep.sbatch &&
  prefix/bin/surd plan jobs/ising/job.yaml")
if(NOT output MATCHES "492")
  message(FATAL_ERROR "no plan of 492 points:\n${output}")
endif()
serve(prefix)
must("module files" bash ${MODULES} ${WORK}/prefix ${WORK})
file(RENAME ${WORK}/prefix ${WORK}/moved)
serve(moved)
must("module files" bash ${MODULES} ${WORK}/moved ${WORK} moved)
message(STATUS "${output}")
