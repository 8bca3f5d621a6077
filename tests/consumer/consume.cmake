# Builds the project in the folder WAY from scratch and runs its program on each executor.

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT status EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
if(NOT WAY STREQUAL "add_subdirectory")
    run(${CMAKE_COMMAND} --install ${CADRE_BINARY_DIR} --prefix ${WORK_DIR}/prefix)
endif()

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${WAY} -B ${WORK_DIR}/build -G ${GENERATOR}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
    -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix -DCADRE_SOURCE_DIR=${CADRE_SOURCE_DIR})
if(WAY STREQUAL "find_package")
    execute_process(COMMAND ${COMPILER} --version OUTPUT_VARIABLE version)
    string(REGEX MATCH "g\\+\\+[^\n]* 12\\." is_gxx_12 "${version}")
    string(REGEX MATCH "g\\+\\+ 12 destroys an aggregate" says_so "${output}")
    if((is_gxx_12 AND NOT says_so) OR (says_so AND NOT is_gxx_12))
        message(FATAL_ERROR "find_package(cadre) should warn of g++ 12, and of no other compiler, printed:\n${output}")
    endif()
endif()
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)

foreach(spec IN ITEMS serial thread process:2)
    execute_process(COMMAND ${WORK_DIR}/build/app --executor=${spec}
        RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors TIMEOUT 60)
    if(NOT status EQUAL 0 OR NOT output STREQUAL "49 10\n")
        message(FATAL_ERROR "app --executor=${spec} ended with ${status}, printed:\n${output}${errors}")
    endif()
endforeach()

if(WAY STREQUAL "find_package")
    run(${WORK_DIR}/build/kit)
    run(${WORK_DIR}/build/asio)
endif()
