// The main of test programs: worker processes must start before GoogleTest, or any test, makes a thread.

#include <cadre/runtime.hpp>

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
