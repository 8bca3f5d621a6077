// A scope that is destroyed while its children live ends the program with a report.
#include <cadre/scope.hpp>

#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::scope;
using cadre::sync_wait;
using cadre::task;

task<> sleep_long() { co_await cadre::sleep_for(1h); }

TEST(scope_death, terminates_with_live_children) {
    EXPECT_EXIT(
        {
            auto body = [&]() -> task<> {
                scope s;
                s.spawn(sleep_long());
                co_return;
            };
            sync_wait(body());
        },
        ::testing::KilledBySignal(SIGABRT),
        "scope made at .*scope_death_test\\.cpp:[0-9]+ .*task 'main'.* with 1 live task:");
}

TEST(scope_death, the_exception_in_flight_is_shown_first) {
    EXPECT_EXIT(
        {
            auto body = [&]() -> task<> {
                scope s;
                s.spawn(sleep_long());
                co_await cadre::yield();
                throw std::domain_error("the cause");
            };
            sync_wait(body());
        },
        ::testing::KilledBySignal(SIGABRT),
        "in flight: (std::domain_error: the cause|an exception that no handler has reached)\n.*with 1 live task:");
}

// Headers of freed exceptions are on the stack and in registers.
TEST(scope_death, an_earlier_exception_is_not_shown) {
    EXPECT_EXIT(
        {
            auto body = [&]() -> task<> {
                scope s;
                s.spawn(sleep_long());
                co_await cadre::yield();
                for (int i = 0; i < 3; ++i) {
                    try {
                        throw std::range_error("handled before");
                    } catch (const std::range_error&) {
                    }
                }
                throw std::domain_error("the cause");
            };
            sync_wait(body());
        },
        ::testing::KilledBySignal(SIGABRT),
        "in flight: (std::domain_error: the cause|an exception that no handler has reached)\n.*with 1 live task:");
}

TEST(scope_death, the_handled_exception_is_shown_first) {
    EXPECT_EXIT(
        {
            auto body = [&]() -> task<> {
                auto s = std::make_unique<scope>();
                s->spawn(sleep_long());
                try {
                    throw std::domain_error("the cause");
                } catch (const std::domain_error&) {
                    s.reset();
                }
                co_return;
            };
            sync_wait(body());
        },
        ::testing::KilledBySignal(SIGABRT), "std::domain_error: the cause\n.*with 1 live task:");
}

}  // namespace
