/// @file
/// The fixture of tests in which a program ends, also by a signal.
#pragma once

#include <gtest/gtest.h>

#include <csignal>

namespace cadre::tests {

/// Death tests run in a program of their own, where signals have their default actions. A shell starts a background job
/// with SIGINT and SIGQUIT ignored, nohup ignores SIGHUP, and the runtime leaves an ignored signal ignored: a test that
/// raises one of them would wait for its effect without end.
class death_test : public ::testing::Test {
protected:
    death_test() {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM})
            static_cast<void>(std::signal(signal, SIG_DFL));
    }
};

}  // namespace cadre::tests
