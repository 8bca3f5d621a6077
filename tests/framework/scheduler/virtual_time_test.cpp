// A serial executor with a virtual clock: sleeps and limits take no real time, and order follows from the clock.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

using real_clock = std::chrono::steady_clock;

cadre::serial_executor virtual_loop() { return cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time}}; }

// Runs `f` on a fresh loop with a virtual clock. @return the real time that it took
template <class F>
real_clock::duration run(F f) {
    const auto began = real_clock::now();
    cadre::sync_wait(cadre::on(virtual_loop(), std::move(f)));
    return real_clock::now() - began;
}

cadre::task<> sleep_thousand_times(real_clock::duration each) {
    for (int i = 0; i < 1000; ++i)
        co_await cadre::sleep_for(each);
}

cadre::task<int> forever() {
    co_await cadre::sleep_for(24h * 365);
    co_return 1;
}

}  // namespace

TEST(virtual_time, a_sleep_takes_no_real_time) {
    const auto took = run([]() -> cadre::task<> {
        const auto before = cadre::now();
        co_await cadre::sleep_for(24h);
        EXPECT_EQ(cadre::now() - before, 24h);
    });
    EXPECT_LT(took, 10s);
}

TEST(virtual_time, a_thousand_hours_of_a_thousand_tasks) {
    const auto took = run([]() -> cadre::task<> {
        const auto before = cadre::now();
        cadre::scope s;
        for (int i = 0; i < 1000; ++i)
            s.spawn(sleep_thousand_times(1h));
        co_await s.join();
        EXPECT_EQ(cadre::now() - before, 1000h);
    });
    RecordProperty("milliseconds", static_cast<int>(took / 1ms));
    EXPECT_LT(took, 20s);
}

TEST(virtual_time, the_clock_begins_at_the_real_time_and_stands_still_while_a_task_runs) {
    run([]() -> cadre::task<> {
        const auto before = cadre::now();
        EXPECT_LT(real_clock::now() - before, 10s);
        std::this_thread::sleep_for(2ms);
        co_await cadre::yield();
        EXPECT_EQ(cadre::now(), before);
    });
}

TEST(virtual_time, outside_of_such_a_loop_now_is_the_steady_clock) {
    const auto before = real_clock::now();
    EXPECT_GE(cadre::now(), before);
    cadre::sync_wait([]() -> cadre::task<> {
        const auto at = real_clock::now();
        EXPECT_GE(cadre::now(), at);
        const auto now = cadre::now();
        EXPECT_LE(now, real_clock::now());
        co_return;
    }());
}

TEST(virtual_time, sleep_until_takes_times_of_any_clock) {
    const auto took = run([]() -> cadre::task<> {
        const auto at = cadre::now() + 5h;
        co_await cadre::sleep_until(at);
        EXPECT_EQ(cadre::now(), at);
        const auto before = cadre::now();
        co_await cadre::sleep_until(std::chrono::system_clock::now() + 3h);
        EXPECT_GT(cadre::now() - before, 2h);
        EXPECT_LE(cadre::now() - before, 3h);
    });
    EXPECT_LT(took, 10s);
}

TEST(virtual_time, sleeps_end_in_the_order_of_their_deadlines_and_equal_ones_in_the_order_in_which_they_began) {
    run([]() -> cadre::task<> {
        std::vector<int> ended;
        cadre::scope s;
        auto sleeper = [&ended](int which, real_clock::duration d) -> cadre::task<> {
            co_await cadre::sleep_for(d);
            ended.push_back(which);
        };
        s.spawn(sleeper(3, 3h));
        for (int i = 10; i < 20; ++i)
            s.spawn(sleeper(i, 2h));
        s.spawn(sleeper(1, 1h));
        co_await s.join();
        EXPECT_EQ(ended, (std::vector<int>{1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 3}));
    });
}

TEST(virtual_time, a_limit_that_passes_ends_the_work) {
    const auto took = run([]() -> cadre::task<> {
        const auto before = cadre::now();
        bool passed = false;
        try {
            co_await cadre::timeout(2h, forever());
        } catch (const cadre::timed_out&) {
            passed = true;
        }
        EXPECT_TRUE(passed);
        EXPECT_EQ(cadre::now() - before, 2h);
    });
    EXPECT_LT(took, 10s);
}

TEST(virtual_time, a_limit_that_does_not_pass_leaves_the_clock_alone) {
    run([]() -> cadre::task<> {
        const auto before = cadre::now();
        co_await cadre::timeout(2h, cadre::sleep_for(1h));
        EXPECT_EQ(cadre::now() - before, 1h);
    });
}

TEST(virtual_time, select_retry_and_the_limits_of_calls_follow_the_clock) {
    const auto took = run([]() -> cadre::task<> {
        const auto before = cadre::now();
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> empty{self, 1};
        const auto got = co_await cadre::select(empty.receive(), cadre::after(3h));
        EXPECT_EQ(got.index(), 1u);
        EXPECT_EQ(cadre::now() - before, 3h);

        int calls = 0;
        const auto flaky = [&calls]() -> int {
            if (++calls < 4) throw std::runtime_error("not yet");
            return calls;
        };
        EXPECT_EQ(co_await cadre::retry({.attempts = 5, .delay = 1h, .factor = 1, .max_delay = 1h, .jitter = 0}, flaky),
                  4);
        EXPECT_EQ(cadre::now() - before, 6h);

        const auto slow = []() -> cadre::task<> { co_await cadre::sleep_for(100h); };
        bool passed = false;
        try {
            co_await cadre::on(self.with({.timeout = 2h}), slow);
        } catch (const cadre::timed_out&) {
            passed = true;
        }
        EXPECT_TRUE(passed);
        EXPECT_EQ(cadre::now() - before, 8h);
    });
    EXPECT_LT(took, 10s);
}

TEST(virtual_time, a_stop_request_ends_a_sleep_before_its_time) {
    run([]() -> cadre::task<> {
        const auto before = cadre::now();
        cadre::scope s;
        s.spawn(cadre::sleep_for(50h));
        co_await cadre::sleep_for(1h);
        s.request_stop();
        co_await s.join();
        EXPECT_EQ(cadre::now() - before, 1h);
    });
}

// A limit of hours around work of a second does not pass at once.
TEST(virtual_time, while_a_pool_works_time_passes_as_in_reality) {
    run([]() -> cadre::task<> {
        cadre::thread_executor pool{{.workers = 1}};
        const auto before = cadre::now();
        const auto work = [] { std::this_thread::sleep_for(20ms); };
        co_await cadre::timeout(1h, cadre::on(pool, work));
        EXPECT_LT(cadre::now() - before, 1h);
    });
}

TEST(virtual_time, a_sleep_that_a_pool_waits_for_ends) {
    run([]() -> cadre::task<> {
        cadre::thread_executor pool{{.workers = 1}};
        cadre::async_event event{cadre::executor(pool)};
        auto job = cadre::spawn(pool, [event]() -> cadre::task<> { co_await event.wait(); });
        co_await cadre::sleep_for(30ms);
        event.set();
        co_await std::move(job);
    });
}

TEST(virtual_time, two_loops_keep_the_order_of_their_clocks) {
    cadre::serial_executor a = virtual_loop();
    cadre::serial_executor b = virtual_loop();
    std::vector<int> ended;
    auto sleeper = [&ended](int which, real_clock::duration d) -> cadre::task<> {
        co_await cadre::sleep_for(d);
        ended.push_back(which);
    };
    cadre::sync_wait(cadre::when_all(cadre::on(a, sleeper, 3, 3h), cadre::on(b, sleeper, 2, 2h),
                                     cadre::on(a, sleeper, 1, 1h), cadre::on(b, sleeper, 4, 4h)));
    EXPECT_EQ(ended, (std::vector<int>{1, 2, 3, 4}));
}

TEST(virtual_time, the_deadline_of_a_shutdown_is_virtual) {
    const auto took = run([]() -> cadre::task<> {
        cadre::serial_executor other = virtual_loop();
        auto job = cadre::spawn(other, []() -> cadre::task<> { co_await cadre::sleep_for(1000h); });
        co_await cadre::executor(other).shutdown(10h);
        auto ended = co_await cadre::as_outcome(std::move(job));
        EXPECT_FALSE(ended);
    });
    EXPECT_LT(took, 10s);
}

// What the actions of stop requests need another thread for elsewhere happens on the loop.
TEST(virtual_time, a_shared_task_passes_a_stop_request_on) {
    run([]() -> cadre::task<> {
        const auto before = cadre::now();
        cadre::shared_task<int> one{forever()};
        bool passed = false;
        try {
            co_await cadre::timeout(1h, one);
        } catch (const cadre::timed_out&) {
            passed = true;
        }
        EXPECT_TRUE(passed);
        EXPECT_EQ(cadre::now() - before, 1h);
    });
}
