# Compiles SOURCE and checks the diagnostics. A file with lines `// expect: MESSAGE` must be rejected with each of these
# messages; a file without such a line must compile.
#
#   cmake -DCOMPILER=… -DINCLUDES=a|b -DSOURCE=file.cpp [-DFLAGS=a|b] -P compile_check.cmake

string(REPLACE "|" ";" include_dirs "${INCLUDES}")
string(REPLACE "|" ";" flags "${FLAGS}")
# A system directory given with -I would break the order that #include_next relies on.
list(REMOVE_ITEM include_dirs "" /usr/include)
list(REMOVE_DUPLICATES include_dirs)
list(TRANSFORM include_dirs PREPEND -I)

# Not -fsyntax-only: g++ then skips template instantiations that a real build performs.
execute_process(
    COMMAND ${COMPILER} -std=c++20 -Wall -Wextra ${flags} ${include_dirs} -S -o /dev/null ${SOURCE}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)

file(STRINGS ${SOURCE} expectations REGEX "^// expect: ")
if(NOT expectations)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${SOURCE} should compile, but:\n${output}")
    endif()
    return()
endif()

if(status EQUAL 0)
    message(FATAL_ERROR "${SOURCE} should be rejected, but it compiles")
endif()
foreach(line IN LISTS expectations)
    string(REGEX REPLACE "^// expect: " "" sentence "${line}")
    string(FIND "${output}" "${sentence}" position)
    if(position EQUAL -1)
        message(FATAL_ERROR "${SOURCE} is rejected without the message\n    ${sentence}\nThe compiler said:\n${output}")
    endif()
endforeach()
