# cadre::testing_main: GoogleTest with a main function that starts cadre::runtime first, so that tests can use worker processes.

find_package(GTest QUIET)
if(NOT GTest_FOUND)
    if(CADRE_BUILD_TESTS)
        message(FATAL_ERROR "The tests need GoogleTest (libgtest-dev); -DCADRE_BUILD_TESTS=OFF builds without them")
    endif()
    return()
endif()

add_library(cadre_testing_main STATIC ${PROJECT_SOURCE_DIR}/executors/testing/main.cpp)
add_library(cadre::testing_main ALIAS cadre_testing_main)
set_target_properties(cadre_testing_main PROPERTIES EXPORT_NAME testing_main)
target_link_libraries(cadre_testing_main PUBLIC cadre GTest::gtest)
cadre_warnings(cadre_testing_main)
