# Compiles SOURCE and checks the diagnostics. A file with lines `// expect: MESSAGE` must be rejected with these messages, one error
# each, in this order, and no other error; a file without such a line must compile. `// names: TEXT` must occur in the output.
# `// flags: FLAG` adds a flag of the compiler, such as one that makes an error of a warning.
#
#   cmake -DCOMPILER=… -DINCLUDES=a|b -DSOURCE=file.cpp [-DFLAGS=a|b] -P compile_check.cmake

string(REPLACE "|" ";" include_dirs "${INCLUDES}")
string(REPLACE "|" ";" flags "${FLAGS}")
# A system directory given with -I would break the order that #include_next relies on.
list(REMOVE_ITEM include_dirs "" /usr/include)
list(REMOVE_DUPLICATES include_dirs)
list(TRANSFORM include_dirs PREPEND -I)

file(STRINGS ${SOURCE} extra_flags REGEX "^// flags: ")
list(TRANSFORM extra_flags REPLACE "^// flags: " "")
list(APPEND flags ${extra_flags})

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
string(REPLACE ";" "," output "${output}")
string(REGEX MATCHALL "[^\n]*[0-9]: error: [^\n]*" errors "${output}")
list(LENGTH errors error_count)
list(LENGTH expectations expected_count)
set(at 0)
foreach(line IN LISTS expectations)
    string(REGEX REPLACE "^// expect: " "" sentence "${line}")
    string(REPLACE ";" "," sentence "${sentence}")
    set(error "")
    if(at LESS error_count)
        list(GET errors ${at} error)
    endif()
    string(FIND "${error}" "${sentence}" position)
    if(position EQUAL -1)
        message(FATAL_ERROR "${SOURCE} is rejected without the message\n    ${sentence}\nas error ${at}. The compiler said:\n${output}")
    endif()
    math(EXPR at "${at} + 1")
endforeach()
if(NOT error_count EQUAL expected_count)
    message(FATAL_ERROR "${SOURCE}: ${error_count} errors. The compiler said:\n${output}")
endif()
file(STRINGS ${SOURCE} names REGEX "^// names: ")
foreach(line IN LISTS names)
    string(REGEX REPLACE "^// names: " "" name "${line}")
    string(FIND "${output}" "${name}" position)
    if(position EQUAL -1)
        message(FATAL_ERROR "${SOURCE}: the compiler does not name ${name}. It said:\n${output}")
    endif()
endforeach()
