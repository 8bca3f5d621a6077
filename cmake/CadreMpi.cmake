# The MPI executor loads the MPI library that fits its launcher: libcadre_mpi_openmpi.so and libcadre_mpi_mpich.so, one source compiled
# against each library that is installed. The library itself needs no MPI.

option(CADRE_MPI "Build the plugins of the MPI executor for the MPI libraries that are installed" ON)

# cadre_mpi_plugin(ID NAME PACKAGE WRAPPER): the plugin, if there is a wrapper compiler of that library.
function(cadre_mpi_plugin id name package first_wrapper)
    string(TOUPPER ${id} upper)
    find_program(CADRE_MPI_${upper}_COMPILER NAMES ${first_wrapper} mpicc DOC "The wrapper compiler (mpicc) of ${name}")
    mark_as_advanced(CADRE_MPI_${upper}_COMPILER)
    set(wrapper ${CADRE_MPI_${upper}_COMPILER})
    set(found FALSE)
    if(wrapper)
        # Only Open MPI's knows this option; both print the compiler's command line by the other one.
        execute_process(COMMAND ${wrapper} --showme:version OUTPUT_VARIABLE version ERROR_VARIABLE version)
        execute_process(COMMAND ${wrapper} -show OUTPUT_VARIABLE command RESULT_VARIABLE status
            ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
        set(of mpich)
        if(version MATCHES "Open MPI")
            set(of openmpi)
        endif()
        if(status EQUAL 0 AND of STREQUAL id)
            set(found TRUE)
        endif()
    endif()
    if(NOT found)
        message(STATUS "MPI: no ${name} (${package}), so this build cannot run under its mpirun")
        return()
    endif()

    separate_arguments(words UNIX_COMMAND "${command}")
    set(target cadre_mpi_${id})
    add_library(${target} MODULE ${PROJECT_SOURCE_DIR}/executors/mpi/plugin/mpi_plugin.cpp)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/executors)
    target_compile_features(${target} PRIVATE cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    foreach(word IN LISTS words)
        if(word MATCHES "^-I(.+)")
            target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_MATCH_1})
        elseif(word MATCHES "^-L(.+)")
            target_link_directories(${target} PRIVATE ${CMAKE_MATCH_1})
            # Outside the folders of the system the plugin must find its library again.
            if(NOT CMAKE_MATCH_1 MATCHES "^/usr/lib")
                set_property(TARGET ${target} APPEND PROPERTY INSTALL_RPATH ${CMAKE_MATCH_1})
            endif()
        elseif(word MATCHES "^-l")
            target_link_libraries(${target} PRIVATE ${word})
        endif()
    endforeach()
    cadre_warnings(${target})
    message(STATUS "MPI: ${name}, by ${wrapper}")
    target_compile_definitions(cadre PRIVATE CADRE_MPI_${upper})
    # Whoever links the library may run under mpirun.
    add_dependencies(cadre ${target})
    if(CADRE_INSTALL)
        install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    endif()
endfunction()

if(CADRE_MPI)
    cadre_mpi_plugin(openmpi "Open MPI" libopenmpi-dev mpicc.openmpi)
    cadre_mpi_plugin(mpich "MPICH" libmpich-dev mpicc.mpich)
endif()
set_property(SOURCE ${PROJECT_SOURCE_DIR}/executors/mpi/plugin_loader.cpp APPEND PROPERTY COMPILE_DEFINITIONS
    CADRE_MPI_BUILD_FOLDER="${PROJECT_BINARY_DIR}"
    CADRE_MPI_INSTALL_FOLDER="${CMAKE_INSTALL_FULL_LIBDIR}"
    CADRE_MPI_LIBRARY_FOLDER="${CMAKE_INSTALL_LIBDIR}")
