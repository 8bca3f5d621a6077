/// @file
/// Conformance: stop requests, time limits, scopes. Include `conformance.hpp`.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

namespace cadre::conformance {
namespace work {

/// Waits, through another call on the same executor, until it is stopped.
inline task<int> sleep_nested(executor ex, channel<std::string> events) {
    co_return co_await on(ex, sleep_until_stopped, events);
}
inline task<int> shielded(channel<int> arrivals, channel<int> gate) {
    co_return co_await shield(pass_gate(arrivals, gate, 1));
}
inline task<bool> sees_its_token(channel<std::string> events) {
    const std::stop_token token = co_await this_task::stop_token();
    try {
        co_await sleep_until_stopped(events);
    } catch (const cancelled&) {  // NOLINT(bugprone-empty-catch): the test checks the token
    }
    while (!token.stop_requested())
        co_await yield();  // tokens are notified after the waits
    co_return true;
}
inline int report_run(channel<std::string> events) {
    (void)events.try_send("ran");
    return 1;
}
inline task<int> spawn_and_wait(executor ex, channel<std::string> events) {
    auto j = spawn(ex, report_run, events);
    co_return co_await j;
}
inline task<> fail_after(channel<std::string> events, int started) {
    for (int i = 0; i < started; ++i)
        (void)co_await events.receive();
    throw std::domain_error("one child");
}

}  // namespace work

namespace bodies {

inline task<std::string> next_event(channel<std::string> events) {
    std::optional<std::string> event = co_await events.receive();
    co_return event.value_or("closed");
}
inline task<> expect_events(channel<std::string> events, std::string first, std::string second) {
    const std::string a = co_await next_event(events);
    EXPECT_EQ(a, first);
    const std::string b = co_await next_event(events);
    EXPECT_EQ(b, second);
}
inline stream<int> answers_of(executor ex, channel<int> arrivals, channel<int> gate) {
    for (int i = 0; i < 3; ++i)
        co_yield co_await on(ex, work::pass_gate, arrivals, gate, i);
}

// The element is computed on the executor; limits around `next` pass before it is complete.
inline task<> a_limit_around_next_loses_no_element(executor ex) {
    const channel<int> arrivals{ex, 8};
    const channel<int> gate{ex, 8};
    auto s = answers_of(ex, arrivals, gate);
    for (int i = 0; i < 3; ++i) {
        for (int limits = 0; limits < 3; ++limits) {
            const auto late = co_await as_outcome(timeout(std::chrono::milliseconds(1), s.next()));
            EXPECT_THROW((void)late.value(), timed_out);
        }
        (void)co_await arrivals.receive();
        co_await gate.send(0);
        const auto element = co_await s.next();
        EXPECT_EQ(element, i);
    }
    const auto end = co_await s.next();
    EXPECT_FALSE(end.has_value());
}

template <class E>
task<bool> ends_with(task<int> t) {
    try {
        (void)co_await std::move(t);
    } catch (const E&) {
        co_return true;
    }
    co_return false;
}
template <class R>
task<R> result_of(job<R> j) {
    co_return co_await j;
}

inline task<> a_stopped_job_is_cancelled(executor ex) {
    channel<std::string> events{ex, 4};
    auto j = spawn(ex, work::sleep_until_stopped, events);
    (void)co_await events.receive();
    j.request_stop();
    j.request_stop();
    const bool was_cancelled = co_await ends_with<cancelled>(result_of(std::move(j)));
    EXPECT_TRUE(was_cancelled);
    const std::string event = co_await next_event(events);
    EXPECT_EQ(event, "stopped");
}

inline task<> a_computing_function_can_poll_stop(executor ex) {
    const bool beside = co_await computes_concurrently(ex);
    if (!beside) co_return;
    channel<std::string> events{ex, 4};
    auto j = spawn(ex, work::compute_until_stopped, events);
    (void)co_await events.receive();
    j.request_stop();
    const std::string answer = co_await j;  // the function returned normally
    EXPECT_EQ(answer, "asked to stop");
}

inline task<> a_dropped_job_is_stopped(executor ex) {
    channel<std::string> events{ex, 4};
    {
        auto j = spawn(ex, work::sleep_until_stopped, events);
        (void)co_await events.receive();
    }
    const std::string event = co_await next_event(events);
    EXPECT_EQ(event, "stopped");
    const int after = co_await on(ex, work::add, 1, 1);
    EXPECT_EQ(after, 2);
}

inline task<> a_job_that_has_ended_ignores_stop(executor ex) {
    auto j = spawn(ex, work::add, 1, 2);
    const auto ready = [&]() -> task<> {
        while (!j.ready())
            co_await sleep_for(std::chrono::milliseconds(1));
    };
    co_await ready();
    j.request_stop();
    const int sum = co_await j;
    EXPECT_EQ(sum, 3);
}

inline task<> stop_reaches_nested_calls(executor ex) {
    channel<std::string> events{ex, 4};
    auto j = spawn(ex, work::sleep_nested, ex, events);
    (void)co_await events.receive();
    j.request_stop();
    const bool was_cancelled = co_await ends_with<cancelled>(result_of(std::move(j)));
    EXPECT_TRUE(was_cancelled);
    const std::string event = co_await next_event(events);
    EXPECT_EQ(event, "stopped");
}

inline task<> stop_after(std::stop_source stop, channel<std::string> events) {
    (void)co_await events.receive();
    stop.request_stop();
}

inline task<> stop_tokens_reach_calls(executor ex) {
    channel<std::string> events{ex, 4};
    std::stop_source stop;
    const auto [was_cancelled, done] =
        co_await when_all(with_stop(stop.get_token(), ends_with<cancelled>(on(ex, work::sleep_until_stopped, events))),
                          stop_after(stop, events));
    EXPECT_TRUE(was_cancelled);
    const std::string event = co_await next_event(events);
    EXPECT_EQ(event, "stopped");
}

inline task<> work_that_is_stopped_before_it_begins_never_runs(executor ex) {
    channel<std::string> events{ex, 4};
    std::stop_source stop;
    stop.request_stop();
    const bool call_cancelled =
        co_await with_stop(stop.get_token(), ends_with<cancelled>(on(ex, work::report_run, events)));
    const bool job_cancelled =
        co_await with_stop(stop.get_token(), ends_with<cancelled>(work::spawn_and_wait(ex, events)));
    EXPECT_TRUE(call_cancelled);
    EXPECT_TRUE(job_cancelled);
    EXPECT_EQ(events.size(), 0u);
    const int afterwards = co_await on(ex, work::report_run, events);
    EXPECT_EQ(afterwards, 1);
}

inline task<> a_task_sees_its_own_token(executor ex) {
    channel<std::string> events{ex, 4};
    auto j = spawn(ex, work::sees_its_token, events);
    (void)co_await events.receive();
    j.request_stop();
    const bool seen = co_await j;
    EXPECT_TRUE(seen);
}

inline task<> shield_lets_work_end(executor ex) {
    channel<int> arrivals{ex, 1};
    channel<int> gate{ex, 1};
    auto j = spawn(ex, work::shielded, arrivals, gate);
    (void)co_await arrivals.receive();
    j.request_stop();
    co_await gate.send(41);
    const int result = co_await j;
    EXPECT_EQ(result, 42);
}

inline task<> timeout_ends_a_call(executor ex) {
    bool late = false;
    try {
        (void)co_await timeout(std::chrono::milliseconds(20), on(ex, work::sleep_forever));
    } catch (const timed_out&) {
        late = true;
    }
    EXPECT_TRUE(late);
    const int in_time = co_await timeout(forever, on(ex, work::add_later, 1, 2));
    EXPECT_EQ(in_time, 3);
    bool own_error = false;
    try {
        (void)co_await timeout(forever, on(ex, work::fail_later, "mine"));
    } catch (const std::invalid_argument&) {
        own_error = true;
    }
    EXPECT_TRUE(own_error);
}

inline task<> timeouts_nest(executor ex) {
    bool inner = false;
    try {
        (void)co_await timeout(forever, timeout(std::chrono::milliseconds(20), on(ex, work::sleep_forever)));
    } catch (const timed_out&) {
        inner = true;
    }
    EXPECT_TRUE(inner);
    bool outer = false;
    try {
        (void)co_await timeout(std::chrono::milliseconds(20), timeout(forever, on(ex, work::sleep_forever)));
    } catch (const timed_out&) {
        outer = true;
    }
    EXPECT_TRUE(outer);
}

inline task<> when_any_stops_the_losers(executor ex) {
    channel<std::string> events{ex, 4};
    auto first = co_await when_any(on(ex, work::sleep_until_stopped, events), next_event(events));
    EXPECT_EQ(first.index(), 1u);
    EXPECT_EQ(get<1>(first), "started");
    const std::optional<std::string> event = events.try_receive();  // the loser has ended
    EXPECT_EQ(event.value_or("nothing"), "stopped");
}

inline task<> when_all_stops_the_rest(executor ex) {
    channel<std::string> events{ex, 4};
    std::string text;
    try {
        (void)co_await when_all(on(ex, work::sleep_until_stopped, events), on(ex, work::fail_after, events, 1));
    } catch (const std::domain_error& e) {
        text = e.what();
    }
    EXPECT_EQ(text, "one child");
    const std::optional<std::string> event = events.try_receive();
    EXPECT_EQ(event.value_or("nothing"), "stopped");
}

inline task<> fail_in_scope(executor ex, channel<std::string> events, scope& s) {
    s.spawn(ex, work::sleep_until_stopped, events);
    s.spawn(ex, work::sleep_until_stopped, events);
    s.spawn(ex, work::fail_after, events, 2);
    co_return;
}

inline task<> scope_joins_and_stops_on_error(executor ex) {
    channel<int> results{ex, 16};
    scope s;
    for (int i = 0; i < 10; ++i)
        s.spawn(ex, work::pass_on, results, i);
    co_await s.join();
    EXPECT_EQ(results.size(), 10u);
    EXPECT_EQ(s.size(), 0u);

    channel<std::string> events{ex, 8};
    std::string text;
    auto fail = [&](scope& inner) { return fail_in_scope(ex, events, inner); };
    try {
        co_await with_scope(fail);
    } catch (const std::domain_error& e) {
        text = e.what();
    }
    EXPECT_EQ(text, "one child");
    co_await expect_events(events, "stopped", "stopped");
}

inline task<> request_stop_of_the_executor(executor ex) {
    channel<std::string> events{ex, 8};
    auto a = spawn(ex, work::sleep_until_stopped, events);
    auto b = spawn(ex, work::sleep_until_stopped, events);
    co_await expect_events(events, "started", "started");
    ex.request_stop();
    const bool a_cancelled = co_await ends_with<cancelled>(result_of(std::move(a)));
    const bool b_cancelled = co_await ends_with<cancelled>(result_of(std::move(b)));
    EXPECT_TRUE(a_cancelled);
    EXPECT_TRUE(b_cancelled);
    const int after = co_await on(ex, work::add, 1, 1);  // new work is accepted
    EXPECT_EQ(after, 2);
}

inline task<> kill_asks_a_job_to_stop(executor ex) {
    channel<std::string> events{ex, 2};
    auto j = spawn(ex, work::sleep_until_stopped, events);
    const std::string first = co_await next_event(events);
    EXPECT_EQ(first, "started");
    j.kill();
    j.kill();
    const std::string second = co_await next_event(events);
    EXPECT_EQ(second, "stopped");
    const bool stopped = co_await ends_with<cancelled>(result_of(std::move(j)));
    EXPECT_TRUE(stopped);
    auto ended = spawn(ex, work::add, 1, 2);
    while (!ended.ready())
        co_await sleep_for(std::chrono::milliseconds(1));
    ended.kill();  // has no effect any more
    const int result = co_await ended;
    EXPECT_EQ(result, 3);
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, a_stopped_job_is_cancelled) { this->run(bodies::a_stopped_job_is_cancelled); }
TYPED_TEST_P(executor_conformance, kill_asks_a_job_to_stop) { this->run(bodies::kill_asks_a_job_to_stop); }
TYPED_TEST_P(executor_conformance, a_computing_function_can_poll_stop) {
    this->run(bodies::a_computing_function_can_poll_stop);
}
TYPED_TEST_P(executor_conformance, a_dropped_job_is_stopped) { this->run(bodies::a_dropped_job_is_stopped); }
TYPED_TEST_P(executor_conformance, a_job_that_has_ended_ignores_stop) {
    this->run(bodies::a_job_that_has_ended_ignores_stop);
}
TYPED_TEST_P(executor_conformance, stop_reaches_nested_calls) { this->run(bodies::stop_reaches_nested_calls); }
TYPED_TEST_P(executor_conformance, stop_tokens_reach_calls) { this->run(bodies::stop_tokens_reach_calls); }
TYPED_TEST_P(executor_conformance, work_that_is_stopped_before_it_begins_never_runs) {
    this->run(bodies::work_that_is_stopped_before_it_begins_never_runs);
}
TYPED_TEST_P(executor_conformance, a_task_sees_its_own_token) { this->run(bodies::a_task_sees_its_own_token); }
TYPED_TEST_P(executor_conformance, shield_lets_work_end) { this->run(bodies::shield_lets_work_end); }
TYPED_TEST_P(executor_conformance, timeout_ends_a_call) { this->run(bodies::timeout_ends_a_call); }
TYPED_TEST_P(executor_conformance, timeouts_nest) { this->run(bodies::timeouts_nest); }
TYPED_TEST_P(executor_conformance, when_any_stops_the_losers) { this->run(bodies::when_any_stops_the_losers); }
TYPED_TEST_P(executor_conformance, a_limit_around_next_loses_no_element) {
    this->run(bodies::a_limit_around_next_loses_no_element);
}
TYPED_TEST_P(executor_conformance, when_all_stops_the_rest) { this->run(bodies::when_all_stops_the_rest); }
TYPED_TEST_P(executor_conformance, scope_joins_and_stops_on_error) {
    this->run(bodies::scope_joins_and_stops_on_error);
}
// Only from outside: a test at home on the executor would be stopped itself.
TYPED_TEST_P(executor_conformance, request_stop_of_the_executor) {
    this->run_outside(bodies::request_stop_of_the_executor);
}

}  // namespace cadre::conformance
