// scope: every child has ended when join completes; the first error stops the others and is rethrown.
#include <cadre/scope.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/outcome.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::scope;
using cadre::sync_wait;
using cadre::task;

task<> count_later(int& count, int yields) {
    for (int i = 0; i < yields; ++i)
        co_await cadre::yield();
    ++count;
}
task<> until_stopped(int& stopped) {
    try {
        co_await cadre::sleep_for(1h);
    } catch (const cadre::cancelled&) {
        ++stopped;
        throw;
    }
}
task<> fail(int yields) {
    for (int i = 0; i < yields; ++i)
        co_await cadre::yield();
    throw std::runtime_error("child " + std::to_string(yields));
}

TEST(scope, join_waits_for_all) {
    int count = 0;
    auto body = [&]() -> task<> {
        scope s;
        for (int i = 0; i < 100; ++i)
            s.spawn(count_later(count, i));
        EXPECT_EQ(s.size(), 100u);
        co_await s.join();
        EXPECT_EQ(s.size(), 0u);
        EXPECT_EQ(count, 100);
        s.spawn(count_later(count, 1));  // usable again
        co_await s.join();
        co_await s.join();
    };
    sync_wait(body());
    EXPECT_EQ(count, 101);
}

TEST(scope, children_may_spawn) {
    int count = 0;
    struct spawner {
        static task<> run(scope& s, int& n, int depth) {
            co_await cadre::yield();
            ++n;
            if (depth > 0) s.spawn(run(s, n, depth - 1));
        }
    };
    auto body = [&]() -> task<> {
        scope s;
        s.spawn(spawner::run(s, count, 50));
        co_await s.join();
    };
    sync_wait(body());
    EXPECT_EQ(count, 51);
}

TEST(scope, the_first_error_stops_the_others) {
    int stopped = 0;
    auto body = [&]() -> task<std::string> {
        scope s;
        s.spawn(until_stopped(stopped));
        s.spawn(fail(3));
        s.spawn(fail(6));
        s.spawn(until_stopped(stopped));
        try {
            co_await s.join();
        } catch (const std::runtime_error& e) {
            co_return e.what();
        }
        co_return "no error";
    };
    EXPECT_EQ(sync_wait(body()), "child 3");
    EXPECT_EQ(stopped, 2);
}

TEST(scope, request_stop_reaches_later_children_too) {
    int stopped = 0;
    auto body = [&]() -> task<> {
        scope s;
        s.spawn(until_stopped(stopped));
        s.request_stop();
        s.spawn(until_stopped(stopped));
        co_await s.join();
    };
    EXPECT_THROW(sync_wait(body()), cadre::cancelled);
    EXPECT_EQ(stopped, 2);
}

TEST(scope, with_scope_joins_in_any_case) {
    int stopped = 0;
    int count = 0;
    auto good = [&](scope& s) -> task<int> {
        s.spawn(count_later(count, 5));
        co_return 9;
    };
    EXPECT_EQ(sync_wait(cadre::with_scope(good)), 9);
    EXPECT_EQ(count, 1);
    auto bad = [&](scope& s) -> task<> {
        s.spawn(until_stopped(stopped));
        co_await cadre::yield();
        throw std::domain_error("body");
    };
    EXPECT_THROW(sync_wait(cadre::with_scope(bad)), std::domain_error);
    EXPECT_EQ(stopped, 1);
    auto child_fails = [&](scope& s) -> task<int> {
        s.spawn(fail(1));
        co_return 1;
    };
    EXPECT_THROW((void)sync_wait(cadre::with_scope(child_fails)), std::runtime_error);
}

TEST(scope, is_made_inside_a_task) { EXPECT_THROW(scope{}, std::logic_error); }

TEST(scope_death, terminates_with_live_children) {
    EXPECT_EXIT(
        {
            int stopped = 0;
            auto body = [&]() -> task<> {
                scope s;
                s.spawn(until_stopped(stopped));
                co_return;
            };
            sync_wait(body());
        },
        ::testing::KilledBySignal(SIGABRT), "");
}

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)  // they allocate memory beside every block
std::size_t resident_bytes() {
    std::ifstream status("/proc/self/status");
    std::size_t kilobytes = 0;
    for (std::string word; status >> word;)
        if (word == "VmRSS:") status >> kilobytes;
    return kilobytes * 1024;
}

task<> nap() { co_await cadre::sleep_for(1h); }

// A million suspended tasks fit into 300 MB; with g++, whose frames are larger, into 400.
TEST(scope, a_suspended_task_takes_little_memory) {
    constexpr std::size_t count = 200'000;
#    ifdef __clang__
    constexpr std::size_t limit = 300;
#    else
    constexpr std::size_t limit = 400;
#    endif
    const auto bytes_a_task = [&]() -> task<std::size_t> {
        const std::size_t before = resident_bytes();
        scope s;
        for (std::size_t i = 0; i < count; ++i)
            s.spawn(nap());
        for (int turn = 0; turn < 2; ++turn)
            co_await cadre::yield();
        const std::size_t each = (resident_bytes() - before) / count;
        s.request_stop();
        const cadre::outcome<void> ended = co_await cadre::as_outcome(s.join());
        EXPECT_FALSE(ended.has_value());
        co_return each;
    };
    EXPECT_LT(sync_wait(bytes_a_task()), limit);
}
#endif

}  // namespace
