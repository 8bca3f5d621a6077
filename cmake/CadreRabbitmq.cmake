# cadre_use_rabbitmq(TARGET): the link of executors of kind `cluster`. Only the headers of rabbitmq-c (librabbitmq-dev) are needed to
# build: the library is loaded when a program uses that kind. Without them the kind refuses to start.

function(cadre_use_rabbitmq target)
    find_path(CADRE_RABBITMQ_INCLUDE_DIR NAMES rabbitmq-c/ssl_socket.h amqp_ssl_socket.h)
    find_library(CADRE_RABBITMQ_LIBRARY rabbitmq)
    mark_as_advanced(CADRE_RABBITMQ_INCLUDE_DIR CADRE_RABBITMQ_LIBRARY)
    if(CADRE_RABBITMQ_LIBRARY)
        # librabbitmq.so is a link to librabbitmq.so.4.5.0, whose name in other programs is librabbitmq.so.4.
        get_filename_component(file "${CADRE_RABBITMQ_LIBRARY}" REALPATH)
        string(REGEX MATCH "librabbitmq\\.so\\.[0-9]+" soname "${file}")
    endif()
    if(NOT CADRE_RABBITMQ_INCLUDE_DIR OR NOT soname)
        message(STATUS "rabbitmq-c (librabbitmq-dev) was not found: executors of kind cluster will refuse to start")
        get_target_property(sources ${target} SOURCES)
        list(FILTER sources EXCLUDE REGEX "/executors/cluster/amqp/")
        set_target_properties(${target} PROPERTIES SOURCES "${sources}")
        return()
    endif()
    message(STATUS "Executors of kind cluster use ${soname}")
    target_include_directories(${target} SYSTEM PRIVATE ${CADRE_RABBITMQ_INCLUDE_DIR})
    # For tests and benchmarks that use rabbitmq-c itself.
    add_library(cadre_rabbitmq INTERFACE IMPORTED)
    target_include_directories(cadre_rabbitmq INTERFACE ${CADRE_RABBITMQ_INCLUDE_DIR})
    target_link_libraries(cadre_rabbitmq INTERFACE ${CADRE_RABBITMQ_LIBRARY})
    set_target_properties(${target} PROPERTIES CADRE_HAS_RABBITMQ ON)
    target_compile_definitions(${target} PRIVATE CADRE_RABBITMQ_SONAME="${soname}")
endfunction()
