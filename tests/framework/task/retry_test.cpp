// retry: calls again while the function throws, waits in between, gives up with the last error, and never retries
// `cancelled`.
#include <cadre/retry.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::retry;
using cadre::retry_policy;
using cadre::sync_wait;
using cadre::task;

constexpr retry_policy at_once{.attempts = 5, .delay = 0ns};

TEST(retry, gives_the_first_result) {
    int calls = 0;
    const auto third = [&](int x) {
        if (++calls < 3) throw std::runtime_error("not yet");
        return 2 * x;
    };
    EXPECT_EQ(sync_wait(retry(at_once, third, 21)), 42);
    EXPECT_EQ(calls, 3);
}

TEST(retry, awaits_the_tasks_of_a_coroutine_function) {
    int calls = 0;
    const auto second = [&](std::string text) -> task<std::string> {
        co_await cadre::yield();
        if (++calls < 2) throw std::runtime_error("not yet");
        co_return text + "!";
    };
    EXPECT_EQ(sync_wait(retry(at_once, second, "done")), "done!");
    EXPECT_EQ(calls, 2);
}

TEST(retry, rethrows_the_last_error) {
    int calls = 0;
    const auto failing = [&] { throw std::runtime_error(std::to_string(++calls)); };
    try {
        sync_wait(retry(at_once, failing));
        FAIL();
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "5");
    }
}

TEST(retry, passes_the_same_arguments_to_every_call) {
    int calls = 0;
    const auto failing_twice = [&](const std::unique_ptr<int>& owned, std::string copied) {
        EXPECT_EQ(*owned, 3);
        EXPECT_EQ(copied, "text");
        if (++calls < 3) throw std::runtime_error("not yet");
    };
    sync_wait(retry(at_once, failing_twice, std::make_unique<int>(3), "text"));
    EXPECT_EQ(calls, 3);
}

TEST(retry, never_retries_cancelled) {
    int calls = 0;
    const auto stopped = [&] {
        ++calls;
        throw cadre::cancelled{};
    };
    EXPECT_THROW(sync_wait(retry(at_once, stopped)), cadre::cancelled);
    EXPECT_EQ(calls, 1);
}

TEST(retry, a_stop_ends_the_wait_between_two_calls) {
    int calls = 0;
    std::stop_source stop;
    const auto failing = [&] {
        ++calls;
        stop.request_stop();
        throw std::runtime_error("failed");
    };
    const retry_policy slow{.attempts = 5, .delay = 1h, .max_delay = 1h};
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), retry(slow, failing))), cadre::cancelled);
    EXPECT_EQ(calls, 1);
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), retry(at_once, failing))), cadre::cancelled);
    EXPECT_EQ(calls, 2);
}

TEST(retry, a_limit_on_each_call_is_retried_and_one_around_it_is_not) {
    int calls = 0;
    const auto slow = [&]() -> task<> {
        ++calls;
        co_await cadre::timeout(1ms, cadre::sleep_for(1h));
    };
    EXPECT_THROW(sync_wait(retry(at_once, slow)), cadre::timed_out);
    EXPECT_EQ(calls, 5);
    const auto endless = [&]() -> task<> {
        ++calls;
        co_await cadre::sleep_for(1h);
    };
    EXPECT_THROW(sync_wait(cadre::timeout(1ms, retry(at_once, endless))), cadre::timed_out);
    EXPECT_EQ(calls, 6);
}

TEST(retry, refuses_a_senseless_policy_at_once) {
    const auto nothing = [] {};
    EXPECT_THROW((void)retry(retry_policy{.attempts = 0}, nothing), std::invalid_argument);
    EXPECT_THROW((void)retry(retry_policy{.delay = -1ns}, nothing), std::invalid_argument);
    EXPECT_THROW((void)retry(retry_policy{.factor = 0.5}, nothing), std::invalid_argument);
    EXPECT_THROW((void)retry(retry_policy{.max_delay = -1ns}, nothing), std::invalid_argument);
    EXPECT_THROW((void)retry(retry_policy{.jitter = 1.5}, nothing), std::invalid_argument);
}

TEST(retry_delay, grows_by_its_factor_up_to_its_limit) {
    constexpr retry_policy even{.delay = 10ms, .factor = 2.0, .max_delay = 50ms, .jitter = 0};
    EXPECT_EQ(cadre::detail::retry_delay(even, 1), 10ms);
    EXPECT_EQ(cadre::detail::retry_delay(even, 2), 20ms);
    EXPECT_EQ(cadre::detail::retry_delay(even, 3), 40ms);
    EXPECT_EQ(cadre::detail::retry_delay(even, 4), 50ms);
    EXPECT_EQ(cadre::detail::retry_delay(even, 2'000'000'000), 50ms);
}

TEST(retry_delay, varies_within_its_jitter) {
    constexpr retry_policy varied{.delay = 100ms, .factor = 1.0, .max_delay = 1s, .jitter = 0.5};
    auto shortest = 1s + 0ns;
    auto longest = 0ns;
    for (int i = 0; i < 1000; ++i) {
        const auto d = cadre::detail::retry_delay(varied, 1);
        shortest = std::min(shortest, d);
        longest = std::max(longest, d);
    }
    EXPECT_GE(shortest, 50ms);
    EXPECT_LT(shortest, 70ms);
    EXPECT_LE(longest, 150ms);
    EXPECT_GT(longest, 130ms);
}

TEST(retry, without_a_delay_never_waits) {
    for (const int failures : {1, 1025, 100'000})
        EXPECT_EQ(cadre::detail::retry_delay({.delay = 0ns, .factor = 2.0, .max_delay = 1s}, failures), 0ns)
            << failures;
}

}  // namespace
