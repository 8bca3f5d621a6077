// scope: every child has ended when join completes; the first error stops the others and is rethrown.
#include <cadre/scope.hpp>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/call.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/outcome.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

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
    sync_wait(body());
    EXPECT_EQ(stopped, 2);
}

TEST(scope, its_own_request_stop_is_no_failure) {
    int stopped = 0;
    auto body = [&](scope& s) -> task<int> {
        s.spawn(until_stopped(stopped));
        co_await cadre::yield();
        s.request_stop();
        co_return 42;
    };
    EXPECT_EQ(sync_wait(cadre::with_scope(body)), 42);
    EXPECT_EQ(stopped, 1);
}

TEST(scope, an_error_after_its_own_request_stop_is_one) {
    auto body = [](scope& s) -> task<int> {
        s.spawn([]() -> task<> {
            (void)co_await cadre::as_outcome(cadre::sleep_for(1h));
            throw std::domain_error("on the way out");
        });
        co_await cadre::yield();
        s.request_stop();
        co_return 42;
    };
    EXPECT_THROW((void)sync_wait(cadre::with_scope(body)), std::domain_error);
}

TEST(scope, a_stop_of_its_task_is_a_failure) {
    std::stop_source stop;
    int stopped = 0;
    auto body = [&]() -> task<> {
        scope s;
        s.spawn(until_stopped(stopped));
        co_await cadre::yield();
        stop.request_stop();
        co_await s.join();
    };
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), body())), cadre::cancelled);
    EXPECT_EQ(stopped, 1);
}

TEST(scope, can_be_used_again_after_an_error_and_after_a_stop) {
    int count = 0;
    auto body = [&]() -> task<> {
        scope s;
        for (int turn = 0; turn < 3; ++turn) {
            s.spawn(fail(1));
            const auto failed = co_await cadre::as_outcome(s.join());
            EXPECT_THROW(failed.value(), std::runtime_error);
            s.spawn([&]() -> task<> {
                co_await cadre::sleep_for(1us);
                ++count;
            });
            co_await s.join();
            s.request_stop();
            co_await s.join();
            s.spawn([&]() -> task<> {
                co_await cadre::sleep_for(1us);
                ++count;
            });
            co_await s.join();
        }
    };
    sync_wait(body());
    EXPECT_EQ(count, 6);
}

TEST(scope, spawns_any_awaitable) {
    int count = 0;
    auto body = [&]() -> task<> {
        const cadre::serial_executor loop;
        scope s;
        s.spawn(cadre::timeout(1h, count_later(count, 1)));
        s.spawn(cadre::shield(count_later(count, 1)));
        s.spawn(cadre::when_all(count_later(count, 1), count_later(count, 1)));
        s.spawn(cadre::when_any(count_later(count, 1), cadre::sleep_for(1h)));
        s.spawn(cadre::as_outcome(count_later(count, 1)));
        s.spawn(cadre::spawn(loop, [&] { ++count; }));
        s.spawn(cadre::yield());
        s.spawn(cadre::sleep_for(1us));
        s.spawn(cadre::on(loop, [&] { ++count; }));
        co_await s.join();
        s.spawn(cadre::timeout(1ms, cadre::sleep_for(1h)));
        const auto late = co_await cadre::as_outcome(s.join());
        EXPECT_THROW(late.value(), cadre::timed_out);
    };
    sync_wait(body());
    EXPECT_EQ(count, 8);
}

TEST(scope, owns_a_function_and_its_arguments_until_they_have_ended) {
    const auto held = std::make_shared<int>(7);
    auto body = [&]() -> task<> {
        int sum = 0;
        {
            scope s;
            for (int i = 0; i < 3; ++i)
                s.spawn(
                    [held, &sum](std::unique_ptr<int> extra, const std::string& text) -> task<> {
                        co_await cadre::yield();
                        sum += *held + *extra + static_cast<int>(text.size());
                    },
                    std::make_unique<int>(i), std::string("abc"));
            s.spawn([&sum] { ++sum; });  // an ordinary function
            co_await s.join();
        }
        EXPECT_EQ(sum, 3 * 7 + (0 + 1 + 2) + 3 * 3 + 1);
        EXPECT_EQ(held.use_count(), 1);
    };
    sync_wait(body());
}

TEST(call, is_a_task_that_owns_its_function) {
    auto body = []() -> task<> {
        auto make = [](int x) {
            return cadre::call(
                [x, text = std::string(40, 'x')](int y) -> task<int> {
                    co_await cadre::yield();
                    co_return x + y + static_cast<int>(text.size());
                },
                2);
        };
        const auto [a, b] = co_await cadre::when_all(make(1), make(10));
        EXPECT_EQ(a, 43);
        EXPECT_EQ(b, 52);
        const int plain = co_await cadre::call([](int& x) { return ++x; }, 4);
        EXPECT_EQ(plain, 5);
    };
    sync_wait(body());
}

TEST(scope, may_live_in_a_stream) {
    auto ticks = [](int& beats) -> cadre::stream<int> {
        scope s;
        s.spawn([&]() -> task<> {
            for (;;) {
                co_await cadre::sleep_for(100us);
                ++beats;
            }
        });
        for (int i = 0; i < 20; ++i) {
            co_await cadre::sleep_for(300us);
            co_yield i;
        }
        s.request_stop();
        co_await s.join();
    };
    auto next_within = [](cadre::stream<int>& s) -> task<std::optional<int>> {
        co_return co_await cadre::timeout(1min, s.next());
    };
    auto body = [&]() -> task<int> {
        int beats = 0;
        auto s = ticks(beats);
        int elements = 0;
        while (co_await next_within(s))
            ++elements;
        EXPECT_GT(beats, 0);
        co_return elements;
    };
    EXPECT_EQ(sync_wait(body()), 20);
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
        co_await s.join();
        co_return each;
    };
    EXPECT_LT(sync_wait(bytes_a_task()), limit);
}
#endif

}  // namespace
