/// @file
/// Conformance: properties, settings, statistics and shutdown of an executor. Include `conformance.hpp`.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cadre/as_outcome.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/testing/conformance_cancellation.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace work {

inline task<bool> shutdown_refused(executor ex) {
    try {
        co_await ex.shutdown(std::chrono::seconds(1));
    } catch (const std::logic_error&) {
        co_return true;
    }
    co_return false;
}

}  // namespace work

namespace bodies {

inline task<> handles_name_one_executor(executor ex) {
    EXPECT_TRUE(static_cast<bool>(ex));
    EXPECT_GE(ex.concurrency(), 1u);
    EXPECT_FALSE(ex.name().empty());
    const executor copy = ex;
    EXPECT_EQ(copy, ex);
    EXPECT_EQ(copy.kind(), ex.kind());
    const executor named = ex.with({.name = "other"});
    EXPECT_EQ(named, ex);
    const executor none;
    EXPECT_FALSE(static_cast<bool>(none));
    EXPECT_THROW((void)none.kind(), std::logic_error);
    co_return;
}

inline task<> calls_carry_their_settings(executor ex) {
    const executor named = ex.with({.name = "resize"});
    const std::string name = co_await on(named, work::my_name);
    EXPECT_EQ(name, "resize");
    auto j = spawn(named, work::my_name);
    const std::string job_name = co_await j;
    EXPECT_EQ(job_name, "resize");
    const std::string plain = co_await on(ex, work::my_name);
    EXPECT_NE(plain, "resize");

    const executor limited = named.with({.timeout = std::chrono::milliseconds(20)});
    const bool late = co_await ends_with<timed_out>(on(limited, work::sleep_forever));
    EXPECT_TRUE(late);
    auto late_job = spawn(limited, work::sleep_forever);
    const bool job_late = co_await ends_with<timed_out>(result_of(std::move(late_job)));
    EXPECT_TRUE(job_late);
    const auto first = co_await on(ex, work::my_id);
    const auto second = co_await on(ex, work::my_id);
    EXPECT_NE(first, second);
}

inline task<> stats_count_calls(executor ex) {
    const executor_stats before = ex.stats();
    EXPECT_EQ(before.running, before.submitted - before.completed);
    channel<int> arrivals{ex, 1};
    channel<int> gate{ex, 1};
    auto j = spawn(ex, work::pass_gate, arrivals, gate, 1);
    (void)co_await arrivals.receive();
    EXPECT_GE(ex.stats().running, 1u);
    co_await gate.send(1);
    (void)co_await j;
    for (int i = 0; i < 9; ++i)
        (void)co_await on(ex, work::add, i, i);
    const executor_stats after = ex.stats();
    EXPECT_GE(after.submitted, before.submitted + 10);
    EXPECT_GE(after.completed, before.completed + 9);  // the last call may not have left the registry yet
    EXPECT_GE(after.workers, 1u);
    EXPECT_EQ(after.restarts, 0u);
}

inline task<> shutdown_lets_work_end(executor ex) {
    channel<int> arrivals{ex, 1};
    channel<int> gate{ex, 1};
    auto j = spawn(ex, work::pass_gate, arrivals, gate, 1);
    (void)co_await arrivals.receive();
    const auto end = [](executor e) -> task<> { co_await e.shutdown(); };
    const auto open = [](channel<int> g) -> task<> { co_await g.send(41); };
    (void)co_await when_all(end(ex), open(gate));
    EXPECT_TRUE(j.ready());
    const int result = co_await j;
    EXPECT_EQ(result, 42);
}

inline task<> shutdown_refuses_new_work(executor ex) {
    const int before = co_await on(ex, work::add, 1, 1);
    EXPECT_EQ(before, 2);
    co_await ex.shutdown();
    co_await ex.shutdown();  // idempotent
    const bool refused = co_await ends_with<executor_stopped>(on(ex, work::add, 1, 2));
    EXPECT_TRUE(refused);
    const bool coroutine_refused = co_await ends_with<executor_stopped>(on(ex, work::add_later, 1, 2));
    EXPECT_TRUE(coroutine_refused);
    auto j = spawn(ex, work::add, 1, 2);
    const bool job_refused = co_await ends_with<executor_stopped>(result_of(std::move(j)));
    EXPECT_TRUE(job_refused);
    auto mapped = co_await as_outcome(map(ex, work::square, std::views::iota(0u, 10u)));
    EXPECT_EQ(mapped.what(), executor_stopped{}.what());
    EXPECT_EQ(ex.stats().running, 0u);
}

inline task<> shutdown_stops_work_at_the_deadline(executor ex) {
    channel<std::string> events{ex, 8};
    auto a = spawn(ex, work::sleep_until_stopped, events);
    auto b = spawn(ex, work::sleep_nested, ex, events);
    co_await expect_events(events, "started", "started");
    co_await ex.shutdown(std::chrono::milliseconds(20));
    const bool a_cancelled = co_await ends_with<cancelled>(result_of(std::move(a)));
    const bool b_cancelled = co_await ends_with<cancelled>(result_of(std::move(b)));
    EXPECT_TRUE(a_cancelled);
    EXPECT_TRUE(b_cancelled);
}

inline task<> shutdown_counts_its_limit_from_the_await(executor ex) {
    channel<int> arrivals{ex, 1};
    channel<int> gate{ex, 1};
    auto j = spawn(ex, work::pass_gate, arrivals, gate, 1);
    (void)co_await arrivals.receive();
    auto end = ex.shutdown(std::chrono::milliseconds(500));
    co_await sleep_for(std::chrono::milliseconds(550));
    const int before = co_await on(ex, work::add, 1, 1);  // nothing has begun
    EXPECT_EQ(before, 2);
    const auto open = [](channel<int> g) -> task<> { co_await g.send(41); };
    (void)co_await when_all(std::move(end), open(gate));
    const int result = co_await j;
    EXPECT_EQ(result, 42);
}

inline task<> its_own_shutdown_is_refused_in_a_task(executor ex) {
    const bool refused = co_await on(ex, work::shutdown_refused, ex);
    EXPECT_TRUE(refused);
    const auto usable = co_await on(ex, work::add, 1, 2);
    EXPECT_EQ(usable, 3);
}

inline task<> work_keeps_its_executor_alive(executor ex) {
    job<std::uint64_t> j = spawn(std::exchange(ex, executor{}), work::square, 9u);
    const auto squared = co_await j;
    EXPECT_EQ(squared, 81u);
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, handles_name_one_executor) { this->run(bodies::handles_name_one_executor); }
TYPED_TEST_P(executor_conformance, calls_carry_their_settings) { this->run(bodies::calls_carry_their_settings); }
TYPED_TEST_P(executor_conformance, stats_count_calls) { this->run(bodies::stats_count_calls); }
// Only from outside: a test at home on the executor would wait for itself.
TYPED_TEST_P(executor_conformance, shutdown_lets_work_end) { this->run_outside(bodies::shutdown_lets_work_end); }
TYPED_TEST_P(executor_conformance, shutdown_refuses_new_work) { this->run_outside(bodies::shutdown_refuses_new_work); }
TYPED_TEST_P(executor_conformance, shutdown_stops_work_at_the_deadline) {
    this->run_outside(bodies::shutdown_stops_work_at_the_deadline);
}
TYPED_TEST_P(executor_conformance, shutdown_counts_its_limit_from_the_await) {
    this->run_outside(bodies::shutdown_counts_its_limit_from_the_await);
}
TYPED_TEST_P(executor_conformance, its_own_shutdown_is_refused_in_a_task) {
    this->run_outside(bodies::its_own_shutdown_is_refused_in_a_task);
}
TYPED_TEST_P(executor_conformance, work_keeps_its_executor_alive) {
    sync_wait(bodies::work_keeps_its_executor_alive(TypeParam::make()));
}
TYPED_TEST_P(executor_conformance, executors_can_be_created_repeatedly) {
    for (int i = 0; i < 10; ++i) {
        const auto sum = sync_wait(on(TypeParam::make(), work::add, i, 1));
        EXPECT_EQ(sum, i + 1);
    }
    std::vector<executor> together;
    for (int i = 0; i < 4; ++i)
        together.push_back(TypeParam::make());
    for (const executor& ex : together) {
        const auto sum = sync_wait(on(ex, work::add, 20, 22));
        EXPECT_EQ(sum, 42);
    }
}

}  // namespace cadre::conformance
