// timeout: the result, or timed_out at the deadline; the limited work has ended then; a complete result is never lost.
#include <cadre/timeout.hpp>

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;

task<std::string> text() { co_return "text"; }

TEST(timeout, completes_with_the_result) {
    EXPECT_EQ(sync_wait(timeout(1h, text())), "text");
    sync_wait(timeout(std::chrono::hours::max(), cadre::yield()));
}

TEST(timeout, ends_work_that_takes_too_long) {
    bool ended = false;
    auto slow = [&]() -> task<int> {
        const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
        co_await cadre::shield(cadre::sleep_for(2ms));  // unwinds slowly
        ended = true;
        slept.value();
        co_return 1;
    };
    EXPECT_THROW((void)sync_wait(timeout(5ms, slow())), cadre::timed_out);
    EXPECT_TRUE(ended);
    EXPECT_THROW(sync_wait(timeout(1ms, cadre::sleep_for(1h))), cadre::timed_out);
}

TEST(timeout, a_complete_result_is_never_lost) {
    EXPECT_EQ(sync_wait(timeout(0s, text())), "text");
    EXPECT_EQ(sync_wait(timeout(-1s, text())), "text");
    auto stubborn = []() -> task<int> {  // ignores the request
        co_await cadre::shield(cadre::sleep_for(10ms));
        co_return 3;
    };
    EXPECT_EQ(sync_wait(timeout(1ms, stubborn())), 3);
}

TEST(timeout, its_own_errors_are_not_hidden) {
    auto fails = []() -> task<> {
        co_await cadre::shield(cadre::sleep_for(5ms));
        throw std::domain_error("own");
    };
    EXPECT_THROW(sync_wait(timeout(1ms, fails())), std::domain_error);
    EXPECT_THROW(sync_wait(timeout(1h, fails())), std::domain_error);
}

TEST(timeout, a_stop_request_is_not_a_timeout) {
    std::stop_source stop;
    auto ask = [&]() -> task<> {
        co_await cadre::yield();
        stop.request_stop();
    };
    auto limited = []() -> task<> { co_await timeout(1h, cadre::sleep_for(1h)); };
    EXPECT_THROW((void)sync_wait(cadre::when_all(cadre::with_stop(stop.get_token(), limited()), ask())),
                 cadre::cancelled);
}

TEST(timeout, the_awaiting_task_is_not_stopped) {
    auto body = []() -> task<int> {
        int late = 0;
        for (int i = 0; i < 5; ++i) {
            try {
                co_await timeout(1ms, cadre::sleep_for(1h));
            } catch (const cadre::timed_out&) {
                ++late;
            }
            co_await cadre::sleep_for(1ms);
        }
        co_return late;
    };
    EXPECT_EQ(sync_wait(body()), 5);
}

TEST(timeout, races_with_the_result_lose_neither) {
    auto body = []() -> task<int> {
        int values = 0;
        int late = 0;
        auto work = []() -> task<int> {
            co_await cadre::sleep_for(std::chrono::microseconds(200));
            co_return 1;
        };
        for (int i = 0; i < 300; ++i) {
            try {
                values += co_await timeout(std::chrono::microseconds(100 + i), work());
            } catch (const cadre::timed_out&) {
                ++late;
            }
        }
        co_return values + late;
    };
    EXPECT_EQ(sync_wait(body()), 300);
}

template <class A>
std::string message(A awaitable) {
    try {
        (void)sync_wait(std::move(awaitable));
    } catch (const cadre::timed_out& e) {
        return e.what();
    }
    return "no error";
}

TEST(timeout, the_message_says_after_how_long) {
    EXPECT_EQ(message(timeout(1ms, cadre::sleep_for(1h))), "timed out after 1 ms");
    EXPECT_EQ(message(timeout(std::chrono::microseconds(1500), cadre::sleep_for(1h))), "timed out after 1500 us");
    EXPECT_EQ(message(timeout(0s, cadre::sleep_for(1h))), "timed out after 0 ns");
}

// Loops in an ordinary function until stop is requested.
task<bool> spin_until_stopped() {
    while (!cadre::stop_requested())
        std::this_thread::yield();
    co_return true;
}

TEST(timeout, passes_although_the_only_worker_is_busy) {
    const cadre::thread_executor pool{{.workers = 1}};
    const cadre::serial_executor loop;
    const auto limited = []() -> task<bool> { co_return co_await timeout(20ms, spin_until_stopped()); };
    EXPECT_TRUE(sync_wait(cadre::on(pool, limited)));
    EXPECT_TRUE(sync_wait(cadre::on(loop, limited)));
    EXPECT_TRUE(sync_wait(limited()));
}

TEST(timeout, counts_from_its_await) {
    auto body = []() -> task<> {
        auto limited = timeout(50ms, cadre::sleep_for(1ms));
        auto sleep = cadre::sleep_for(20ms);
        std::this_thread::sleep_for(100ms);  // between the making and the await
        co_await std::move(limited);
        const auto begin = std::chrono::steady_clock::now();
        co_await std::move(sleep);
        EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
    };
    sync_wait(body());
}

TEST(timeout, an_earlier_limit_is_not_hidden_by_a_later_one) {
    auto body = []() -> task<> {
        co_await timeout(1h, cadre::yield());
        for (int i = 0; i < 20; ++i) {
            const auto inner = co_await cadre::as_outcome(timeout(2min, timeout(1ms, cadre::sleep_for(1min))));
            EXPECT_THROW(inner.value(), cadre::timed_out);
        }
    };
    sync_wait(body());
}

TEST(timeout, its_reason_reaches_what_it_limits) {
    using cadre::detail::stop_reason;
    auto reason = []() -> task<stop_reason> {
        (void)co_await spin_until_stopped();
        co_return cadre::detail::current_environment()->stop->reason();
    };
    EXPECT_EQ(sync_wait(timeout(1ms, reason())), stop_reason::deadline);
    std::stop_source other;
    auto nested = [&]() -> task<stop_reason> { co_return co_await cadre::with_stop(other.get_token(), reason()); };
    EXPECT_EQ(sync_wait(timeout(1ms, nested())), stop_reason::deadline);
    auto in_scope = [&]() -> task<stop_reason> {
        stop_reason seen{};
        cadre::scope s;
        s.spawn([&]() -> task<> { seen = co_await reason(); });
        co_await s.join();
        co_return seen;
    };
    EXPECT_EQ(sync_wait(timeout(1ms, in_scope())), stop_reason::deadline);
}

TEST(timeout, around_next_neither_ends_nor_truncates_a_stream) {
    auto ticks = []() -> cadre::stream<int> {
        for (int i = 0; i < 5; ++i) {
            co_await cadre::sleep_for(10ms);
            co_yield i;
        }
    };
    auto body = [&]() -> task<> {
        auto s = ticks();
        std::vector<int> seen;
        int late = 0;
        for (;;) {
            const auto element = co_await cadre::as_outcome(timeout(1ms, s.next()));
            if (!element) {
                EXPECT_THROW((void)element.value(), cadre::timed_out);
                ++late;
                continue;
            }
            if (!*element) break;
            seen.push_back(**element);
        }
        EXPECT_EQ(seen, (std::vector{0, 1, 2, 3, 4}));
        EXPECT_GT(late, 0);
    };
    sync_wait(body());
}

task<> wait_long() { co_await cadre::sleep_for(1h); }

// g++ does not keep the parameters in the name of a coroutine.
bool names_the_wait(const std::string& text) {
    return text.starts_with("timed out after 2 ms: (anonymous namespace)::wait_long");
}

TEST(timeout, the_message_says_which_call) {
    const cadre::serial_executor loop;
    EXPECT_EQ(message(cadre::on(loop.with({.name = "resize", .timeout = 2ms}), wait_long)),
              "timed out after 2 ms: task 'resize'");
    EXPECT_PRED1(names_the_wait, message(cadre::on(loop.with({.timeout = 2ms}), wait_long)));
}

TEST(timeout, the_message_says_what_the_limit_is_around) {
    const cadre::serial_executor loop;
    const cadre::thread_executor pool{{.workers = 1}};
    EXPECT_PRED1(names_the_wait, message(timeout(2ms, wait_long())));
    for (const cadre::executor& ex : {cadre::executor(loop), cadre::executor(pool)}) {
        EXPECT_PRED1(names_the_wait, message(timeout(2ms, cadre::on(ex, wait_long))));
        EXPECT_PRED1(names_the_wait, message(timeout(2ms, cadre::spawn(ex, wait_long))));
        EXPECT_EQ(message(timeout(2ms, cadre::on(ex.with({.name = "resize"}), wait_long))),
                  "timed out after 2 ms: task 'resize'");
    }
    // Nothing is left of the call that the last limit ended.
    EXPECT_EQ(message(timeout(2ms, cadre::sleep_for(1h))), "timed out after 2 ms");
}

TEST(timeout, the_wording_uses_the_largest_whole_unit) {
    using cadre::detail::timed_out_text;
    EXPECT_EQ(timed_out_text(2min), "timed out after 2 min");
    EXPECT_EQ(timed_out_text(90s), "timed out after 90 s");
    EXPECT_EQ(timed_out_text(1500ms, "resize(image)"), "timed out after 1500 ms: resize(image)");
    EXPECT_EQ(timed_out_text(5ns), "timed out after 5 ns");
}

task<> nested(int depth) {
    if (depth == 0) co_return co_await cadre::sleep_for(1h);
    co_await cadre::when_all(nested(depth - 1), cadre::yield());
}

// Neither the request nor the unwinding recurses.
TEST(timeout, stops_a_task_tree_of_any_depth) {
    for (const auto limit : {1ms, 300ms})  // while it grows, and when all of it waits
        EXPECT_THROW(sync_wait(timeout(limit, nested(200'000))), cadre::timed_out);
}

}  // namespace
