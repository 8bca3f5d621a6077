# Runs a sample on every kind of executor and compares the outputs.
#
#   cmake -DPROGRAM=FILE -P same_output.cmake
#
# What a sample measures differs from run to run and is replaced by a word before the comparison:
#
#   compare_speed   the times and their bars
#   race            the numbers that depend on which updates are lost

cmake_minimum_required(VERSION 3.22)

get_filename_component(name ${PROGRAM} NAME)
set(first_kind)
foreach(kind IN ITEMS serial thread:1 thread:2 process:1 process:2)
    execute_process(COMMAND ${PROGRAM} --executor=${kind}
        OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE status TIMEOUT 60)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${name} on ${kind}: status ${status}\n${output}${errors}")
    endif()
    if(name STREQUAL "compare_speed")
        string(REGEX REPLACE " +[0-9.]+ ms +#*" " TIME" output "${output}")
    elseif(name STREQUAL "race")
        string(REGEX REPLACE "got -?[0-9]+" "got NUMBER" output "${output}")
        string(REGEX REPLACE "[0-9]+ of" "NUMBER of" output "${output}")
    endif()
    if(NOT first_kind)
        set(first_kind ${kind})
        set(expected "${output}")
    elseif(NOT output STREQUAL expected)
        message(FATAL_ERROR "${name} prints on ${first_kind}\n${expected}\nand on ${kind}\n${output}")
    endif()
endforeach()
message(STATUS "${name} prints on every kind\n${expected}")
