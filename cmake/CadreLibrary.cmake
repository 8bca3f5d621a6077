# The library: target cadre, alias cadre::cadre.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers only
find_package(range-v3 REQUIRED)
include(CadreBacktrace)
include(CadreRabbitmq)

file(GLOB_RECURSE cadre_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/framework/src/*.cpp
    ${PROJECT_SOURCE_DIR}/executors/*.cpp)
list(FILTER cadre_sources EXCLUDE REGEX "/executors/(testing|mpi/plugin)/")

add_library(cadre STATIC ${cadre_sources})
add_library(cadre::cadre ALIAS cadre)
# For executables and for shared libraries, also ones that are loaded later: code of the library reaches its thread-local variables
# without a call.
set_target_properties(cadre PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
target_compile_options(cadre PRIVATE -ftls-model=initial-exec $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)

# The types that the gdb command `cadre tasks` reads (tools/gdb/cadre.py) are described in every build.
set_source_files_properties(
    ${PROJECT_SOURCE_DIR}/framework/src/asio/asio_wait.cpp
    ${PROJECT_SOURCE_DIR}/framework/src/scheduler/backend_list.cpp
    ${PROJECT_SOURCE_DIR}/framework/src/scheduler/task_chain.cpp
    ${PROJECT_SOURCE_DIR}/framework/src/scheduler/task_tree.cpp
    ${PROJECT_SOURCE_DIR}/framework/src/state/select_core.cpp
    ${PROJECT_SOURCE_DIR}/framework/src/task/scope.cpp
    PROPERTIES COMPILE_OPTIONS "-g;$<$<CXX_COMPILER_ID:Clang>:-fstandalone-debug>")

target_include_directories(cadre
    PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/framework/include>
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/executors/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE
        ${PROJECT_SOURCE_DIR}/framework/src
        ${PROJECT_SOURCE_DIR}/executors)
target_compile_features(cadre PUBLIC cxx_std_20)
# g++ turns symmetric transfer into a plain call below -O2, and a long chain of awaits then overflows the stack.
target_compile_options(cadre PUBLIC $<$<CXX_COMPILER_ID:GNU>:-foptimize-sibling-calls>)
# With the C++ library of g++ 14 clang calls libatomic for the atomic operations of a cell whose class has a smaller alignment than size.
target_link_libraries(cadre PUBLIC
    $<$<CXX_COMPILER_ID:Clang>:-Wl,--push-state,--as-needed,-latomic,--pop-state>)
# Of the public headers only <cadre/asio.hpp> includes Boost: cadreConfig.cmake adds it where the system has it.
target_link_libraries(cadre
    PUBLIC Threads::Threads $<BUILD_INTERFACE:Boost::headers>
    PRIVATE $<BUILD_INTERFACE:range-v3::range-v3> ${CMAKE_DL_LIBS})
cadre_use_backtrace(cadre)
cadre_use_rabbitmq(cadre)
cadre_warnings(cadre)
