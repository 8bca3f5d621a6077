/// @file
/// Conformance: limits, early ends and repeated awaits of `as_completed`. Include `conformance.hpp`.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cadre/as_completed.hpp>
#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/timeout.hpp>

namespace cadre::conformance {
namespace bodies {

using namespace std::chrono_literals;

inline task<> yield_all_within(std::vector<job<int>> jobs, std::vector<int>& results) {
    auto completed = as_completed(std::move(jobs));
    while (auto j = co_await completed.next()) {
        const int result = co_await *j;
        results.push_back(result);
    }
}

inline task<> as_completed_under_a_limit_yields_what_ended_in_time(executor ex) {
    channel<std::string> events{ex, 4};
    std::vector<job<int>> jobs;
    jobs.push_back(spawn(ex, work::sleep_until_stopped, events));
    jobs.push_back(spawn(ex, work::add, 1, 1));
    jobs.push_back(spawn(ex, work::add, 2, 2));
    (void)co_await events.receive();
    for (std::size_t i = 1; i < jobs.size(); ++i)
        while (!jobs[i].ready())
            co_await sleep_for(1ms);
    std::vector<int> results;
    const auto limited = co_await as_outcome(timeout(20ms, yield_all_within(std::move(jobs), results)));
    EXPECT_FALSE(limited.has_value());
    EXPECT_THROW(limited.value(), timed_out);
    EXPECT_EQ(results.size(), 2u);
    const auto event = co_await events.receive();
    EXPECT_EQ(event.value_or(""), "stopped");
}

inline task<> as_completed_under_a_limit_that_does_not_pass(executor ex) {
    std::vector<job<int>> jobs;
    for (int i = 0; i < 10; ++i)
        jobs.push_back(spawn(ex, work::add, i, 1));
    std::vector<int> results;
    co_await timeout(forever, yield_all_within(std::move(jobs), results));
    EXPECT_EQ(results.size(), 10u);
}

inline task<> as_completed_with_a_limit_of_zero_yields_what_has_ended(executor ex) {
    channel<int> arrivals{ex, 1};
    channel<int> gate{ex, 1};
    std::vector<job<int>> jobs;
    jobs.push_back(spawn(ex, work::add, 3, 4));
    jobs.push_back(spawn(ex, work::pass_gate, arrivals, gate, 1));
    (void)co_await arrivals.receive();
    while (!jobs.front().ready())
        co_await sleep_for(1ms);
    auto completed = as_completed(std::move(jobs));
    auto ended = co_await timeout(0s, completed.next());
    EXPECT_TRUE(ended.has_value());
    const int seven = co_await *ended;
    EXPECT_EQ(seven, 7);
    for (int i = 0; i < 2; ++i) {  // the waiting job is neither lost nor stopped
        auto waiting = co_await as_outcome(timeout(0s, completed.next()));
        EXPECT_FALSE(waiting.has_value());
        if (!waiting) {
            EXPECT_THROW((void)waiting.value(), timed_out);
        }
    }
    co_await gate.send(10);
    auto rest = co_await completed.next();
    EXPECT_TRUE(rest.has_value());
    const int eleven = co_await *rest;
    EXPECT_EQ(eleven, 11);
    const auto end = co_await completed.next();
    EXPECT_FALSE(end.has_value());
}

inline task<> a_yielded_job_outlives_the_stream(executor ex) {
    channel<std::string> events{ex, 4};
    std::optional<job<int>> first;
    {
        std::vector<job<int>> jobs;
        jobs.push_back(spawn(ex, work::sleep_until_stopped, events));
        jobs.push_back(spawn(ex, work::add, 20, 22));
        (void)co_await events.receive();
        auto completed = as_completed(std::move(jobs));
        first = co_await completed.next();
    }
    const auto event = co_await events.receive();  // closed early: the rest is stopped
    EXPECT_EQ(event.value_or(""), "stopped");
    EXPECT_TRUE(first.has_value());
    const int result = co_await *first;
    EXPECT_EQ(result, 42);
}

inline task<> yielded_jobs_may_be_awaited_later_and_once(executor ex) {
    std::vector<job<int>> jobs;
    for (int i = 0; i < 5; ++i)
        jobs.push_back(spawn(ex, work::add, i, i));
    auto completed = as_completed(std::move(jobs));
    std::vector<job<int>> ended;
    while (auto j = co_await completed.next())
        ended.push_back(std::move(*j));
    EXPECT_EQ(ended.size(), 5u);
    int sum = 0;
    for (auto j = ended.rbegin(); j != ended.rend(); ++j) {
        const int result = co_await *j;
        sum += result;
    }
    EXPECT_EQ(sum, 20);
    for (const auto& j : ended) {
        const bool refused = co_await await_is_refused(j);
        EXPECT_TRUE(refused);
    }
}

inline task<> as_completed_refuses_an_empty_job(executor ex) {
    std::vector<job<int>> jobs;
    jobs.push_back(spawn(ex, work::add, 1, 1));
    const job<int> moved = std::move(jobs.front());  // what another list has is no longer here
    jobs.push_back(spawn(ex, work::add, 2, 2));
    bool refused = false;
    try {
        auto completed = as_completed(std::move(jobs));
        (void)co_await completed.next();
    } catch (const std::logic_error&) {
        refused = true;
    }
    EXPECT_TRUE(refused);
    const int result = co_await moved;
    EXPECT_EQ(result, 2);
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, as_completed_under_a_limit_yields_what_ended_in_time) {
    this->run(bodies::as_completed_under_a_limit_yields_what_ended_in_time);
}
TYPED_TEST_P(executor_conformance, as_completed_under_a_limit_that_does_not_pass) {
    this->run(bodies::as_completed_under_a_limit_that_does_not_pass);
}
TYPED_TEST_P(executor_conformance, as_completed_with_a_limit_of_zero_yields_what_has_ended) {
    this->run(bodies::as_completed_with_a_limit_of_zero_yields_what_has_ended);
}
TYPED_TEST_P(executor_conformance, a_yielded_job_outlives_the_stream) {
    this->run(bodies::a_yielded_job_outlives_the_stream);
}
TYPED_TEST_P(executor_conformance, yielded_jobs_may_be_awaited_later_and_once) {
    this->run(bodies::yielded_jobs_may_be_awaited_later_and_once);
}
TYPED_TEST_P(executor_conformance, as_completed_refuses_an_empty_job) {
    this->run(bodies::as_completed_refuses_an_empty_job);
}

}  // namespace cadre::conformance
