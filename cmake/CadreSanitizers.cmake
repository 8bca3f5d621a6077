# CADRE_SANITIZE instruments everything that is built here: a sanitizer that sees half a program reports nonsense.

if(CADRE_SANITIZE)
    add_compile_options(-fsanitize=${CADRE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
    add_link_options(-fsanitize=${CADRE_SANITIZE})
endif()
