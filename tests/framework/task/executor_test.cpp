#include <cadre/executor.hpp>

#include <chrono>
#include <limits>

#include <gtest/gtest.h>

#include <cadre/async_event.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>

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

cadre::executor temporary() { return loop(); }

TEST(executor, shutdown_of_a_temporary_handle_keeps_the_executor) {
    cadre::task<void> in_time = temporary().shutdown(1s);
    cadre::task<void> unlimited = temporary().shutdown();
    cadre::sync_wait(std::move(in_time));
    cadre::sync_wait(std::move(unlimited));
}

cadre::task<bool> asked_for_stop(cadre::async_event go) {
    co_await go.wait();
    co_return cadre::stop_requested();
}

TEST(executor, the_longest_deadline_of_a_shutdown_is_not_now) {
    const cadre::executor ex = loop();
    const cadre::async_event go{ex};
    auto body = [](cadre::executor target, cadre::async_event gate) -> cadre::task<bool> {
        auto work = cadre::spawn(target, asked_for_stop, gate);
        cadre::scope s;
        s.spawn(target.shutdown(std::chrono::hours::max()));
        co_await cadre::yield();
        gate.set();
        co_await s.join();
        co_return co_await std::move(work);
    };
    EXPECT_FALSE(cadre::sync_wait(body(ex, go)));
}

}  // namespace
