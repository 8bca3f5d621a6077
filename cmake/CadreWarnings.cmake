# cadre_warnings(TARGET): enables the warnings that this repository is free of.

function(cadre_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
endfunction()
