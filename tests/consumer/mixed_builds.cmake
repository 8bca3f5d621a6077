# A program that is compiled with other settings than the library does not link, and the undefined symbol says why; or does not
# compile, and the first error says why.
#
# -DCOMPILER=… -DINCLUDES=a|b -DLIBRARY=libcadre.a -DSOURCE_DIR=… -DWORK_DIR=…

file(MAKE_DIRECTORY ${WORK_DIR})
string(REPLACE "|" ";-I" includes "-I${INCLUDES}")

execute_process(COMMAND ${COMPILER} -print-file-name=libbacktrace.a OUTPUT_VARIABLE backtrace OUTPUT_STRIP_TRAILING_WHITESPACE)
set(libraries -pthread -ldl)
if(EXISTS "${backtrace}")
    list(PREPEND libraries ${backtrace})
endif()

# build(SOURCE FLAGS…): sets `status` and `output`.
macro(build source)
    execute_process(
        COMMAND ${COMPILER} -std=c++20 -w ${ARGN} ${includes} ${SOURCE_DIR}/${source} -o ${WORK_DIR}/program ${LIBRARY}
            ${libraries}
        RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
endmacro()

# expect_link_error(SOURCE SYMBOL FLAGS…)
function(expect_link_error source symbol)
    build(${source} ${ARGN})
    if(status EQUAL 0 OR NOT output MATCHES "undefined[^\n]*cadre::the_library_must_be_built::${symbol}")
        message(SEND_ERROR "${ARGN}: expected an undefined ${symbol}, status ${status}:\n${output}")
    endif()
endfunction()

# expect_compile_error(SENTENCE FLAGS…)
function(expect_compile_error sentence)
    build(program/main.cpp ${ARGN})
    string(REGEX MATCH "error: [^\n]*" first "${output}")
    if(status EQUAL 0 OR NOT first MATCHES "${sentence}")
        message(SEND_ERROR "${ARGN}: expected '${sentence}' as the first error, got '${first}'")
    endif()
endfunction()

expect_link_error(program/main.cpp with_D_GLIBCXX_DEBUG -D_GLIBCXX_DEBUG)
expect_link_error(program/main.cpp with_D_GLIBCXX_DEBUG -D_GLIBCXX_DEBUG -O2 -ffunction-sections -fdata-sections -Wl,--gc-sections)
expect_link_error(program/main.cpp with_D_GLIBCXX_USE_CXX11_ABI_equal_to<0> -D_GLIBCXX_USE_CXX11_ABI=0)
expect_link_error(program/main.cpp with_enums_of_bytes<1ul> -fshort-enums)
expect_link_error(program/main.cpp with_wchar_t_of_bytes<2ul> -fshort-wchar)
expect_link_error(program/main.cpp with_members_aligned_to<4ul> -fpack-struct=4)
expect_link_error(program/main.cpp with_max_align_t_of<8ul> -mlong-double-64)
expect_compile_error("cadre needs exceptions: compile without -fno-exceptions" -fno-exceptions)
expect_compile_error("cadre needs run-time type information, to find the type of an error: compile without -fno-rtti" -fno-rtti)

expect_link_error(find_package/asio.cpp with_DBOOST_ASIO_ENABLE_HANDLER_TRACKING -DBOOST_ASIO_ENABLE_HANDLER_TRACKING)
expect_link_error(find_package/asio.cpp with_DBOOST_ASIO_DISABLE_EPOLL -DBOOST_ASIO_DISABLE_EPOLL)

# Settings that change no layout.
foreach(flags IN ITEMS "-D_GLIBCXX_ASSERTIONS|-O0" "-DNDEBUG|-std=c++23|-O2")
    string(REPLACE "|" ";" flags ${flags})
    build(program/main.cpp ${flags})
    if(NOT status EQUAL 0)
        message(SEND_ERROR "${flags}: expected a program, got:\n${output}")
    endif()
    execute_process(COMMAND ${WORK_DIR}/program --executor=process:2 RESULT_VARIABLE status OUTPUT_VARIABLE output TIMEOUT 60)
    if(NOT status EQUAL 0 OR NOT output STREQUAL "49 10\n")
        message(SEND_ERROR "${flags}: the program ended with ${status}, printed '${output}'")
    endif()
endforeach()
