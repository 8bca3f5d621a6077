# cadre_warnings(TARGET): the warnings that every file of this repository compiles without.

function(cadre_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
endfunction()
