# CADRE_SANITIZE instruments every target: sanitizers give false reports about partly instrumented programs.

if(CADRE_SANITIZE)
    add_compile_options(-fsanitize=${CADRE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
    add_link_options(-fsanitize=${CADRE_SANITIZE})
endif()
