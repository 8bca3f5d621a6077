/// @file
/// Conformance: arguments, execution and results of `on` and `spawn`. Include `conformance.hpp`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace bodies {

inline task<> on_gives_the_result(executor ex) {
    const auto squared = co_await on(ex, work::square, 7u);
    EXPECT_EQ(squared, 49u);
    const auto sum = co_await on(ex, work::add, 40, 2);
    EXPECT_EQ(sum, 42);
    co_await on(ex, work::nothing);
    const auto text = co_await on(ex, work::repeat, "ab", 3);  // a literal fits std::string
    EXPECT_EQ(text, "ababab");
    const auto size = co_await on(ex, work::length, "four");
    EXPECT_EQ(size, 4u);
}

inline task<> on_runs_there_and_resumes_here(executor ex) {
    const bool remote = ex.backend()->remote();
    const executor home = co_await this_task::executor();
    const std::thread::id thread = std::this_thread::get_id();
    const pid_t there = co_await on(ex, work::process);
    EXPECT_EQ(there != ::getpid(), remote);
    const executor home_after = co_await this_task::executor();
    EXPECT_EQ(home_after, home);
    if (home != ex) {  // home is the loop of the waiting thread
        EXPECT_EQ(std::this_thread::get_id(), thread);
    }
    const executor there_executor = co_await on(ex, work::my_executor);
    EXPECT_EQ(there_executor, ex);
    const auto [index, count] = co_await on(ex, work::my_worker);
    EXPECT_LT(index, count);
    const bool of_a_host = ex.kind() == executor_kind::mpi || ex.kind() == executor_kind::cluster;
    if (of_a_host) {
        EXPECT_LE(count, ex.concurrency());
    } else if (ex.kind() != executor_kind::custom) {
        EXPECT_EQ(count, ex.concurrency());
    }
}

inline task<> values_arrive_as_they_were_sent(executor ex) {
    const work::record sent{
        .name = "größer\n\0x",
        .weight = 0.1,
        .lists = {{"one", {1, 2, 3}}, {"none", {}}},
        .either = "text",
        .time = std::chrono::milliseconds(-5),
        .tree = {.value = 1, .children = {{.value = 2, .children = {}}, {.value = 3, .children = {}}}}};
    const work::record back = co_await on(ex, work::same, sent);
    EXPECT_EQ(back, sent);
    const work::record empty;
    const work::record empty_back = co_await on(ex, work::same, empty);
    EXPECT_EQ(empty_back, empty);
}

inline task<> values_may_be_large(executor ex) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{64}, std::size_t{4096}, std::size_t{8} << 20}) {
        std::vector<std::uint8_t> bytes(size);
        for (std::size_t i = 0; i < size; ++i)
            bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8));
        const std::vector<std::uint8_t> back = co_await on(ex, work::reversed, bytes);
        EXPECT_TRUE(std::ranges::equal(back.rbegin(), back.rend(), bytes.begin(), bytes.end())) << size << " bytes";
    }
}

inline task<> values_may_be_move_only(executor ex) {
    auto first = std::make_unique<int>(1);
    auto second = co_await on(ex, work::next, std::move(first));
    EXPECT_EQ(first, nullptr);
    auto third = co_await on(ex, work::next_later, std::move(second));
    EXPECT_EQ(*third, 3);
    auto j = spawn(ex, work::next, std::move(third));
    const std::unique_ptr<int> fourth = co_await j;
    EXPECT_EQ(*fourth, 4);
}

inline task<> on_takes_every_kind_of_callable(executor ex) {
    const int by_lambda = co_await on(ex, [](int x) { return x + 1; }, 41);
    EXPECT_EQ(by_lambda, 42);
    const work::scaled triple{.factor = 3};
    const int by_aggregate = co_await on(ex, triple, 14);
    EXPECT_EQ(by_aggregate, 42);
    auto repeat_ab = bind_portable(work::repeat, "ab");
    const std::string by_binding = co_await on(ex, repeat_ab, 2);
    EXPECT_EQ(by_binding, "abab");
    const int by_coroutine_lambda = co_await on(
        ex,
        [](int x) -> task<int> {
            co_await yield();
            co_return x * 2;
        },
        21);
    EXPECT_EQ(by_coroutine_lambda, 42);
}

inline task<> coroutine_functions_run_there(executor ex) {
    const int sum = co_await on(ex, work::add_later, 40, 2);
    EXPECT_EQ(sum, 42);
    const std::size_t size = co_await on(ex, work::length_later, std::string(1000, 'x'));
    EXPECT_EQ(size, 1000u);
    co_await on(ex, work::nothing_later);
}

template <class E>
task<std::string> text_of(task<int> t) {
    try {
        (void)co_await std::move(t);
    } catch (const E& e) {
        co_return e.what();
    }
    co_return "no error";
}

inline task<> errors_arrive_as_themselves(executor ex) {
    const std::string range = co_await text_of<std::out_of_range>(on(ex, work::fail_out_of_range, "too far"));
    EXPECT_EQ(range, "too far");
    const std::string argument = co_await text_of<std::invalid_argument>(on(ex, work::fail_later, "bad"));
    EXPECT_EQ(argument, "bad");
    std::error_code code;
    try {
        (void)co_await on(ex, work::fail_system);
    } catch (const std::system_error& e) {
        code = e.code();
    }
    EXPECT_EQ(code, std::errc::no_such_device);
    int number = 0;
    try {
        (void)co_await on(ex, work::fail_numbered, 17);
    } catch (const work::numbered_error& e) {
        number = e.number;
    }
    EXPECT_EQ(number, 17);
    const std::string from_job = co_await text_of<std::out_of_range>([](executor where) -> task<int> {
        auto j = spawn(where, work::fail_out_of_range, "job");
        co_return co_await j;
    }(ex));
    EXPECT_EQ(from_job, "job");
}

inline task<> unknown_errors_arrive_as_remote_error(executor ex) {
    const bool remote = ex.backend()->remote();
    std::string type;
    std::string text;
    try {
        (void)co_await on(ex, work::fail_private);
    } catch (const work::private_error& e) {
        type = "itself";
        text = e.what();
    } catch (const remote_error& e) {
        type = e.type_name();
        text = e.what();
    }
    EXPECT_NE(text.find("not registered"), std::string::npos) << text;
    if (remote) {
        EXPECT_NE(type.find("private_error"), std::string::npos) << type;
    } else {
        EXPECT_EQ(type, "itself");
    }
    auto odd = co_await as_outcome(on(ex, work::fail_oddly));
    EXPECT_FALSE(odd.has_value());
}

inline task<> an_error_leaves_the_executor_usable(executor ex) {
    for (int i = 0; i < 20; ++i) {
        auto bad = co_await as_outcome(on(ex, work::fail_out_of_range, "again"));
        EXPECT_FALSE(bad.has_value());
        const int good = co_await on(ex, work::add, i, 1);
        EXPECT_EQ(good, i + 1);
    }
}

inline task<> spawn_starts_immediately(executor ex) {
    channel<int> arrivals{ex, 4};
    channel<int> gate{ex, 4};
    auto j = spawn(ex, work::pass_gate, arrivals, gate, 5);
    const auto arrived = co_await arrivals.receive();  // the job has started and is not awaited yet
    EXPECT_EQ(arrived.value_or(0), 5);
    EXPECT_FALSE(j.ready());
    co_await gate.send(100);
    const int result = co_await j;
    EXPECT_EQ(result, 105);
    EXPECT_TRUE(j.ready());
    EXPECT_NE(j.id(), 0u);
}

inline task<> many_jobs_run_at_once(executor ex) {
    std::vector<job<int>> jobs;
    std::set<std::uint64_t> ids;
    for (int i = 0; i < 200; ++i) {
        jobs.push_back(i % 2 == 0 ? spawn(ex, work::add, i, 1) : spawn(ex, work::add_later, i, 1));
        ids.insert(jobs.back().id());
    }
    EXPECT_EQ(ids.size(), jobs.size());
    std::vector<job<int>> moved = std::move(jobs);
    for (int i = 199; i >= 0; --i) {
        const int result = co_await moved[static_cast<std::size_t>(i)];
        EXPECT_EQ(result, i + 1);
    }
}

inline task<> a_job_knows_its_process(executor ex) {
    auto j = spawn(ex, work::process);
    const pid_t pid = co_await j;
    EXPECT_EQ(j.worker_pid(), pid);
}

inline task<> suspended_tasks_hold_no_worker(executor ex) {
    const int count = static_cast<int>(ex.concurrency()) * 20 + 20;
    channel<int> arrivals{ex, count};
    channel<int> gate{ex, count};
    std::vector<job<int>> jobs;
    for (int i = 0; i < count; ++i)
        jobs.push_back(spawn(ex, work::pass_gate, arrivals, gate, i));
    for (int i = 0; i < count; ++i) {  // all have started and wait
        const auto arrived = co_await arrivals.receive();
        EXPECT_TRUE(arrived.has_value());
    }
    for (int i = 0; i < count; ++i)
        co_await gate.send(1000);
    for (int i = 0; i < count; ++i) {
        const int result = co_await jobs[static_cast<std::size_t>(i)];
        EXPECT_EQ(result, 1000 + i);
    }
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, on_gives_the_result) { this->run(bodies::on_gives_the_result); }
TYPED_TEST_P(executor_conformance, on_runs_there_and_resumes_here) {
    this->run(bodies::on_runs_there_and_resumes_here);
}
TYPED_TEST_P(executor_conformance, values_arrive_as_they_were_sent) {
    this->run(bodies::values_arrive_as_they_were_sent);
}
TYPED_TEST_P(executor_conformance, values_may_be_large) { this->run(bodies::values_may_be_large); }
TYPED_TEST_P(executor_conformance, values_may_be_move_only) { this->run(bodies::values_may_be_move_only); }
TYPED_TEST_P(executor_conformance, on_takes_every_kind_of_callable) {
    this->run(bodies::on_takes_every_kind_of_callable);
}
TYPED_TEST_P(executor_conformance, coroutine_functions_run_there) { this->run(bodies::coroutine_functions_run_there); }
TYPED_TEST_P(executor_conformance, errors_arrive_as_themselves) { this->run(bodies::errors_arrive_as_themselves); }
TYPED_TEST_P(executor_conformance, unknown_errors_arrive_as_remote_error) {
    this->run(bodies::unknown_errors_arrive_as_remote_error);
}
TYPED_TEST_P(executor_conformance, an_error_leaves_the_executor_usable) {
    this->run(bodies::an_error_leaves_the_executor_usable);
}
TYPED_TEST_P(executor_conformance, spawn_starts_immediately) { this->run(bodies::spawn_starts_immediately); }
TYPED_TEST_P(executor_conformance, many_jobs_run_at_once) { this->run(bodies::many_jobs_run_at_once); }
TYPED_TEST_P(executor_conformance, a_job_knows_its_process) { this->run(bodies::a_job_knows_its_process); }
TYPED_TEST_P(executor_conformance, suspended_tasks_hold_no_worker) {
    this->run(bodies::suspended_tasks_hold_no_worker);
}

}  // namespace cadre::conformance
