# Runs a program of samples/coming_from on every kind of executor and its counterpart in Python, if there is a python3, and
# compares the outputs and the numbers of lines.
#
#   cmake -DPROGRAM=FILE -DSOURCE=FILE.cpp -P same_as_python.cmake

cmake_minimum_required(VERSION 3.22)

get_filename_component(folder ${SOURCE} DIRECTORY)
get_filename_component(name ${SOURCE} NAME_WE)
set(script ${folder}/${name}.py)

# All lines, empty ones and comments too.
function(count_lines file result)
    file(READ ${file} text)
    string(REGEX REPLACE "[^\n]" "" ends "${text}")
    string(LENGTH "${ends}" lines)
    set(${result} ${lines} PARENT_SCOPE)
endfunction()

count_lines(${SOURCE} ours)
count_lines(${script} theirs)
math(EXPR tenfold "${ours} * 10")
math(EXPR limit "${theirs} * 13")
if(tenfold GREATER limit)
    message(FATAL_ERROR "${name}: ${ours} lines, more than 1.3 times the ${theirs} of Python")
endif()

# run(RESULT WHAT COMMAND…): the standard output.
function(run result what)
    execute_process(COMMAND ${ARGN}
        OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE status TIMEOUT 60)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${name} ${what}: status ${status}\n${output}${errors}")
    endif()
    set(${result} "${output}" PARENT_SCOPE)
endfunction()

find_program(python python3)
if(python)
    set(first "in Python")
    run(expected ${first} ${python} ${script})
else()
    set(first "on serial")
    run(expected ${first} ${PROGRAM} --executor=serial)
endif()
foreach(kind IN ITEMS serial thread thread:1 process process:1)
    run(output "on ${kind}" ${PROGRAM} --executor=${kind})
    if(NOT output STREQUAL expected)
        message(FATAL_ERROR "${name} prints ${first}\n${expected}\nand on ${kind}\n${output}")
    endif()
endforeach()
message(STATUS "${name} prints ${first} and on every kind\n${expected}")
