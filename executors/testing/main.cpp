// The main function of test programs: the runtime starts before GoogleTest or a test can start a thread.

#include <cadre/runtime.hpp>

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
