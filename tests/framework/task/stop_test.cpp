// with_stop, shield, stop_requested, this_task::stop_token.
#include <cadre/stop.hpp>

#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;

task<bool> asked() { co_return cadre::stop_requested(); }

TEST(with_stop, the_inherited_stop_reaches_it_too) {
    std::stop_source outer;
    std::stop_source inner;
    auto body = [&]() -> task<> {
        const bool before = co_await cadre::with_stop(inner.get_token(), asked());
        EXPECT_FALSE(before);
        outer.request_stop();
        const bool here = co_await asked();
        EXPECT_TRUE(here);
        const bool below = co_await cadre::with_stop(inner.get_token(), asked());
        EXPECT_TRUE(below);
        const bool shielded = co_await cadre::shield(asked());
        EXPECT_FALSE(shielded);
        const bool here_again = co_await asked();
        EXPECT_TRUE(here_again);
    };
    sync_wait(cadre::with_stop(outer.get_token(), body()));
}

TEST(with_stop, only_what_it_awaits_is_stopped_by_the_token) {
    std::stop_source inner;
    inner.request_stop();
    auto body = [&]() -> task<> {
        const bool below = co_await cadre::with_stop(inner.get_token(), asked());
        EXPECT_TRUE(below);
        const bool here = co_await asked();
        EXPECT_FALSE(here);
    };
    sync_wait(body());
}

TEST(with_stop, a_task_stays_part_of_its_scope) {
    std::stop_source never;
    auto body = [&]() -> task<> {
        cadre::scope s;
        s.spawn(cadre::with_stop(never.get_token(), cadre::sleep_for(1h)));
        co_await cadre::yield();
        s.request_stop();
        co_await s.join();
    };
    sync_wait(body());
}

TEST(with_stop, a_request_from_another_thread_ends_the_wait) {
    for (int i = 0; i < 200; ++i) {
        std::stop_source stop;
        const std::jthread other([&stop] { stop.request_stop(); });
        EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), cadre::sleep_for(1h))), cadre::cancelled);
    }
}

TEST(with_stop, stop_is_sticky) {
    std::stop_source stop;
    stop.request_stop();
    auto body = []() -> task<int> {
        int ended = 0;
        for (int i = 0; i < 3; ++i) {
            try {
                co_await cadre::sleep_for(1h);
            } catch (const cadre::cancelled&) {
                ++ended;
            }
        }
        co_return ended;
    };
    EXPECT_EQ(sync_wait(cadre::with_stop(stop.get_token(), body())), 3);
}

TEST(shield, completes_although_stop_was_requested) {
    std::stop_source stop;
    auto body = [&]() -> task<bool> {
        stop.request_stop();
        co_await cadre::shield(cadre::sleep_for(1ms));
        co_return cadre::stop_requested();
    };
    EXPECT_TRUE(sync_wait(cadre::with_stop(stop.get_token(), body())));
}

TEST(stop_requested, is_false_outside_tasks) { EXPECT_FALSE(cadre::stop_requested()); }

TEST(stop_token, is_requested_with_its_task_and_stays_valid_after_it) {
    std::stop_source stop;
    std::stop_token kept;
    bool called = false;
    auto body = [&]() -> task<> {
        kept = co_await cadre::this_task::stop_token();
        EXPECT_FALSE(kept.stop_requested());
        const std::stop_callback note(kept, [&] { called = true; });
        stop.request_stop();
        EXPECT_TRUE(called);
    };
    sync_wait(cadre::with_stop(stop.get_token(), body()));
    EXPECT_TRUE(kept.stop_requested());
}

TEST(stop_token, is_requested_if_it_is_taken_after_the_request) {
    std::stop_source stop;
    stop.request_stop();
    auto body = []() -> task<bool> {
        const auto token = co_await cadre::this_task::stop_token();
        co_return token.stop_requested();
    };
    EXPECT_TRUE(sync_wait(cadre::with_stop(stop.get_token(), body())));
}

}  // namespace
