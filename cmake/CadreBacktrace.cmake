# cadre_use_backtrace(TARGET): resolve stack traces with libbacktrace, which comes with g++ (libgcc-12-dev) and which
# clang finds in the g++ installation it uses. Without it a stack trace shows exported names only.

function(cadre_use_backtrace target)
    execute_process(
        COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libbacktrace.a
        OUTPUT_VARIABLE archive OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    get_filename_component(folder "${archive}" DIRECTORY)
    if(NOT EXISTS "${archive}" OR NOT EXISTS "${folder}/include/backtrace.h")
        message(STATUS "libbacktrace was not found: stack traces of crashed workers will name exported functions only")
        return()
    endif()
    target_compile_definitions(${target} PRIVATE BOOST_STACKTRACE_USE_BACKTRACE)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # The header lies in g++'s own include directory, where clang does not look.
        get_filename_component(header "${folder}/include/backtrace.h" REALPATH)
        target_compile_definitions(${target} PRIVATE "BOOST_STACKTRACE_BACKTRACE_INCLUDE_FILE=\"${header}\"")
    endif()
    target_link_libraries(${target} PRIVATE backtrace)
endfunction()
