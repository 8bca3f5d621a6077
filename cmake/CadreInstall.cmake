# Install rules: find_package(cadre) gives cadre::cadre, and cadre::testing_main where GoogleTest is found.

include(CMakePackageConfigHelpers)
set(cadre_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cadre)

install(DIRECTORY framework/include/ executors/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS cadre EXPORT cadreTargets)
install(EXPORT cadreTargets NAMESPACE cadre:: DESTINATION ${cadre_package_dir})

if(TARGET cadre_top)
    install(TARGETS cadre_top)
endif()
if(TARGET cadre_testing_main)
    install(TARGETS cadre_testing_main EXPORT cadreTestingTargets)
    install(EXPORT cadreTestingTargets NAMESPACE cadre:: DESTINATION ${cadre_package_dir})
endif()

configure_package_config_file(cmake/cadreConfig.cmake.in ${PROJECT_BINARY_DIR}/cadreConfig.cmake
    INSTALL_DESTINATION ${cadre_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cadreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cadreConfig.cmake ${PROJECT_BINARY_DIR}/cadreConfigVersion.cmake
    DESTINATION ${cadre_package_dir})
install(FILES tools/gdb/cadre.py DESTINATION ${CMAKE_INSTALL_DATADIR}/cadre/gdb)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
