#include <cadre/executor.hpp>

#include <chrono>
#include <limits>

#include <gtest/gtest.h>

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>

namespace {

using namespace std::chrono_literals;

cadre::executor loop() { return cadre::executor(cadre::detail::run_loop::make("test")); }

TEST(executor, settings_add_to_those_of_the_handle) {
    const cadre::executor ex = loop().with({.name = "resize", .timeout = 2s}).with({.priority = -1000, .retries = 0});
    EXPECT_EQ(ex.options().name, "resize");
    EXPECT_EQ(ex.options().timeout, 2s);
    EXPECT_EQ(ex.options().priority, -1000);
    EXPECT_EQ(ex.options().retries, 0);
}

TEST(executor, senseless_settings_are_refused) {
    const cadre::executor ex = loop();
    EXPECT_THROW((void)ex.with({.timeout = -1ns}), cadre::config_error);
    EXPECT_THROW((void)ex.with({.priority = 1001}), cadre::config_error);
    EXPECT_THROW((void)ex.with({.priority = std::numeric_limits<int>::min()}), cadre::config_error);
    EXPECT_THROW((void)ex.with({.retries = -2}), cadre::config_error);
}

}  // namespace
