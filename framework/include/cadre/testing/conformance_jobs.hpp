/// @file
/// Conformance: `as_completed` and `this_worker::local`. Include `conformance.hpp`.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <cadre/as_completed.hpp>
#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/stop.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/this_worker.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace work {

/// The identity of the worker's own counter and its value after the call.
struct counted_call {
    std::pair<pid_t, std::uintptr_t> counter;
    int calls = 0;
};
inline counted_call count_call(int /*item*/) {
    struct counter {
        int calls = 0;
    };
    auto& mine = this_worker::local<counter>();
    return {.counter = {this_worker::pid(), reinterpret_cast<std::uintptr_t>(&mine)}, .calls = ++mine.calls};
}

}  // namespace work

namespace bodies {

inline task<> as_completed_yields_in_order_of_completion(executor ex) {
    channel<int> arrivals{ex, 3};
    std::vector<channel<int>> gates;
    std::vector<job<int>> jobs;
    for (int i = 0; i < 3; ++i) {
        gates.emplace_back(ex, 1);
        jobs.push_back(spawn(ex, work::pass_gate, arrivals, gates.back(), i));
    }
    auto completed = as_completed(std::move(jobs));
    for (const int i : {2, 0, 1}) {
        co_await gates[static_cast<std::size_t>(i)].send(10);
        auto j = co_await completed.next();
        if (!j.has_value()) throw std::logic_error("a job is missing");
        EXPECT_TRUE(j->ready());
        const int result = co_await *j;
        EXPECT_EQ(result, 10 + i);
    }
    const auto end = co_await completed.next();
    EXPECT_FALSE(end.has_value());
    auto none = as_completed(std::vector<job<int>>{});
    const auto nothing = co_await none.next();
    EXPECT_FALSE(nothing.has_value());
}

inline task<> as_completed_yields_failed_jobs(executor ex) {
    std::vector<job<int>> jobs;
    for (int i = 0; i < 20; ++i)
        jobs.push_back(i % 2 == 0 ? spawn(ex, work::add, i, 1) : spawn(ex, work::fail_out_of_range, "odd"));
    auto completed = as_completed(std::move(jobs));
    int sum = 0;
    int failures = 0;
    while (auto j = co_await completed.next()) {
        auto result = co_await as_outcome(std::move(*j));
        if (result.has_value())
            sum += *result;
        else
            ++failures;
    }
    EXPECT_EQ(sum, 100);
    EXPECT_EQ(failures, 10);
}

// The stream is made in the limited task, whose stop reaches the jobs; each `next` that waits throws, and no job is
// lost.
inline task<std::size_t> count_stopped(std::vector<job<int>> jobs) {
    auto completed = as_completed(std::move(jobs));
    std::size_t count = 0;
    for (;;) {
        auto next = co_await as_outcome(completed.next());
        if (!next) continue;
        if (!*next) co_return count;
        const auto result = co_await as_outcome(std::move(**next));
        if (result.what() == cancelled{}.what()) ++count;
    }
}

inline task<> as_completed_passes_stop_to_its_jobs(executor ex) {
    channel<std::string> events{ex, 16};
    for (int round = 0; round < 100; ++round) {  // which job ends first, and when, is a matter of chance
        std::vector<job<int>> jobs;
        for (int i = 0; i < 3; ++i)
            jobs.push_back(spawn(ex, work::sleep_until_stopped, events));
        for (int i = 0; i < 3; ++i)
            (void)co_await events.receive();
        const std::size_t stopped = co_await timeout(std::chrono::milliseconds(1), count_stopped(std::move(jobs)));
        EXPECT_EQ(stopped, 3u);
        for (int i = 0; i < 3; ++i)
            (void)co_await events.receive();
    }
}

inline task<> as_completed_yields_completed_jobs_after_a_stop(executor ex) {
    std::vector<job<int>> jobs;
    for (int i = 0; i < 3; ++i)
        jobs.push_back(spawn(ex, work::add, i, 1));
    for (const job<int>& j : jobs)
        while (!j.ready())
            co_await sleep_for(std::chrono::milliseconds(1));
    std::stop_source stop;
    stop.request_stop();
    const auto sum_all = [](std::vector<job<int>> all) -> task<int> {
        int sum = 0;
        auto completed = as_completed(std::move(all));
        while (auto j = co_await completed.next())
            sum += co_await *j;
        co_return sum;
    };
    const int sum = co_await with_stop(stop.get_token(), sum_all(std::move(jobs)));
    EXPECT_EQ(sum, 6);
}

inline task<> a_dropped_as_completed_stops_its_jobs(executor ex) {
    channel<std::string> events{ex, 16};
    {
        std::vector<job<int>> jobs;
        jobs.push_back(spawn(ex, work::sleep_until_stopped, events));
        jobs.push_back(spawn(ex, work::sleep_until_stopped, events));
        jobs.push_back(spawn(ex, work::add, 1, 1));
        auto completed = as_completed(std::move(jobs));
        auto first = co_await completed.next();
        EXPECT_TRUE(first.has_value());
        for (int i = 0; i < 2; ++i)
            (void)co_await events.receive();
    }
    for (int i = 0; i < 2; ++i) {
        const auto event = co_await events.receive();
        EXPECT_EQ(event.value_or(""), "stopped");
    }
}

inline task<> a_worker_has_values_of_its_own(executor ex) {
    constexpr int count = 200;
    const auto calls = co_await map(ex, work::count_call, std::views::iota(0, count), {.chunk = 1});
    std::map<std::pair<pid_t, std::uintptr_t>, std::vector<int>> by_worker;
    for (const auto& call : calls)
        by_worker[call.counter].push_back(call.calls);
    if (ex.kind() != executor_kind::custom) {
        EXPECT_LE(by_worker.size(), ex.concurrency());
    }
    for (auto& [counter, numbers] : by_worker) {
        std::ranges::sort(numbers);
        const auto distinct = std::ranges::unique(numbers);
        EXPECT_TRUE(distinct.empty()) << "two workers share a counter";
        EXPECT_EQ(numbers.back() - numbers.front() + 1, static_cast<int>(numbers.size()));
    }
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, as_completed_yields_in_order_of_completion) {
    this->run(bodies::as_completed_yields_in_order_of_completion);
}
TYPED_TEST_P(executor_conformance, as_completed_yields_failed_jobs) {
    this->run(bodies::as_completed_yields_failed_jobs);
}
TYPED_TEST_P(executor_conformance, as_completed_passes_stop_to_its_jobs) {
    this->run(bodies::as_completed_passes_stop_to_its_jobs);
}
TYPED_TEST_P(executor_conformance, as_completed_yields_completed_jobs_after_a_stop) {
    this->run(bodies::as_completed_yields_completed_jobs_after_a_stop);
}
TYPED_TEST_P(executor_conformance, a_dropped_as_completed_stops_its_jobs) {
    this->run(bodies::a_dropped_as_completed_stops_its_jobs);
}
TYPED_TEST_P(executor_conformance, a_worker_has_values_of_its_own) {
    this->run(bodies::a_worker_has_values_of_its_own);
}

}  // namespace cadre::conformance
