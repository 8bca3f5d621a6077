// Calls on a remote executor: stops are passed on with their reason, limits end as timed_out, maps retry what died.
#include <cadre/detail/call/remote_submission.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/detail/call/chunk_runner.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>

#include "framework/call/fake_remote.hpp"

namespace {

using namespace call_test;
using namespace std::chrono_literals;
using cadre::executor;
using cadre::sync_wait;

int twice(int x) { return 2 * x; }

template <class R>
cadre::outcome<R> outcome_of(cadre::job<R> job) {
    return sync_wait(cadre::as_outcome(std::move(job)));
}

cadre::worker_crashed crash() { return {"the worker died", cadre::worker_death{.pid = 4711, .signal = 11}}; }

TEST(remote_call, its_value_arrives) {
    const auto backend = std::make_shared<fake_remote>();
    auto job = cadre::spawn(executor(backend), twice, 21);
    EXPECT_FALSE(job.ready());
    backend->call(0).complete(value_reply(42));
    EXPECT_TRUE(job.ready());
    EXPECT_EQ(outcome_of(std::move(job)).value(), 42);
    EXPECT_EQ(backend->stats().running, 0u);
}

TEST(remote_call, a_stop_request_is_passed_on_and_the_call_ends_by_itself) {
    const auto backend = std::make_shared<fake_remote>();
    auto job = cadre::spawn(executor(backend), twice, 21);
    job.request_stop();
    EXPECT_EQ(backend->stop(0), stop_reason::requested);
    EXPECT_FALSE(job.ready());
    backend->call(0).complete(failure_reply(cadre::cancelled{}));
    EXPECT_THROW(outcome_of(std::move(job)).value(), cadre::cancelled);
}

TEST(remote_call, a_kill_is_passed_on_with_its_reason) {
    const auto backend = std::make_shared<fake_remote>();
    auto job = cadre::spawn(executor(backend), twice, 21);
    job.kill();
    EXPECT_EQ(backend->stop(0), stop_reason::kill);
    backend->call(0).complete(value_reply(42));
    EXPECT_EQ(outcome_of(std::move(job)).value(), 42);
}

TEST(remote_call, a_stopped_caller_sends_nothing) {
    const auto backend = std::make_shared<fake_remote>();
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), cadre::on(executor(backend), twice, 1))),
                 cadre::cancelled);
    EXPECT_EQ(backend->calls(), 0u);
    EXPECT_EQ(backend->stops(), 0u);
}

TEST(remote_call, a_completed_call_gets_no_stop_request) {
    const auto backend = std::make_shared<fake_remote>();
    auto job = cadre::spawn(executor(backend), twice, 21);
    backend->call(0).complete(value_reply(42));
    EXPECT_EQ(outcome_of(std::move(job)).value(), 42);
    EXPECT_EQ(backend->stops(), 0u);
}

TEST(remote_call, a_dropped_job_asks_its_call_to_stop) {
    const auto backend = std::make_shared<fake_remote>();
    {
        auto job = cadre::spawn(executor(backend), twice, 21);
    }
    EXPECT_EQ(backend->stop(0), stop_reason::requested);
    EXPECT_EQ(backend->stats().running, 1u);
    backend->call(0).complete(failure_reply(cadre::cancelled{}));
    EXPECT_EQ(backend->stats().running, 0u);
}

TEST(remote_call_limit, asks_the_call_to_stop_and_names_it) {
    const auto backend = std::make_shared<fake_remote>();
    auto job = cadre::spawn(executor(backend).with({.name = "slow", .timeout = 1ms}), twice, 21);
    EXPECT_EQ(backend->stop(0), stop_reason::deadline);
    backend->call(0).complete(failure_reply(cadre::cancelled{}));
    const auto o = outcome_of(std::move(job));
    EXPECT_THROW(o.value(), cadre::timed_out);
    EXPECT_STREQ(o.what().c_str(), "timed out after 1 ms: task 'slow'");
}

TEST(remote_call_limit, hides_neither_a_value_nor_an_error_of_the_function) {
    const auto backend = std::make_shared<fake_remote>();
    const executor limited = executor(backend).with({.timeout = 1ms});
    auto late = cadre::spawn(limited, twice, 21);
    EXPECT_EQ(backend->stop(0), stop_reason::deadline);
    backend->call(0).complete(value_reply(42));
    EXPECT_EQ(outcome_of(std::move(late)).value(), 42);
    auto failed = cadre::spawn(limited, twice, 21);
    EXPECT_EQ(backend->stop(1), stop_reason::deadline);
    backend->call(1).complete(failure_reply(crash()));
    EXPECT_THROW(outcome_of(std::move(failed)).value(), cadre::worker_crashed);
}

TEST(remote_call_limit, is_left_to_a_backend_that_enforces_it) {
    const auto backend = std::make_shared<fake_remote>(true);
    auto job = cadre::spawn(executor(backend).with({.timeout = 1ns}), twice, 21);
    EXPECT_EQ(backend->call(0).options.timeout, 1ns);
    std::this_thread::sleep_for(5ms);  // a limit of the library would have passed
    EXPECT_EQ(backend->stops(), 0u);
    backend->call(0).complete(value_reply(42));
    EXPECT_EQ(outcome_of(std::move(job)).value(), 42);
}

TEST(remote_call, its_settings_reach_the_backend) {
    const auto backend = std::make_shared<fake_remote>(true);
    auto job = cadre::spawn(executor(backend).with({.name = "n", .priority = 7, .retries = 3}), twice, 21);
    const portable_call& call = backend->call(0);
    EXPECT_EQ(call.options.name, "n");
    EXPECT_EQ(call.options.priority, 7);
    EXPECT_EQ(call.options.retries, 3);
    EXPECT_EQ(call.items, 1u);
    backend->call(0).complete(value_reply(42));
    EXPECT_EQ(outcome_of(std::move(job)).value(), 42);
}

// The results of items, as a worker encodes them.
cadre::detail::byte_buffer item_results(const std::vector<int>& values) {
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    for (const int v : values) {
        out.write_byte(static_cast<std::uint8_t>(cadre::detail::item_result::value));
        cadre::detail::encode(out, v);
    }
    return bytes;
}

call_reply items_reply(const std::vector<int>& values) {
    call_reply reply;
    reply.bytes = item_results(values);
    return reply;
}

// The worker died at the item behind those of `values`.
call_reply died_after(const std::vector<int>& values) {
    call_reply reply = failure_reply(crash());
    reply.items_done = static_cast<std::uint32_t>(values.size());
    reply.partial = item_results(values);
    return reply;
}

// Maps `twice` over 0, 1, 2 in one chunk, while another thread answers the calls.
template <class Answer>
std::vector<cadre::outcome<int>> map_three(const std::shared_ptr<fake_remote>& backend, int retries, Answer answer) {
    const std::jthread worker(answer);
    return sync_wait(cadre::map_outcomes(executor(backend), twice, std::views::iota(0, 3),
                                         {.chunk = 3, .retries = retries, .name = "all"}));
}

TEST(remote_map, repeats_the_item_at_which_the_worker_died_alone) {
    const auto backend = std::make_shared<fake_remote>();
    const auto all = map_three(backend, 2, [&] {
        backend->call(0).complete(died_after({0}));
        EXPECT_EQ(backend->call(1).items, 1u);
        EXPECT_EQ(backend->call(1).options.retries, 1);  // the backend repeats a single item
        backend->call(1).complete(items_reply({2}));
        EXPECT_EQ(backend->call(2).items, 1u);
        EXPECT_EQ(backend->call(2).options.retries, 2);  // has not begun yet
        backend->call(2).complete(items_reply({4}));
    });
    ASSERT_EQ(all.size(), 3u);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(all[static_cast<std::size_t>(i)].value(), 2 * i);
    EXPECT_EQ(backend->calls(), 3u);
}

TEST(remote_map, has_the_retries_of_the_executor_if_it_has_none_of_its_own) {
    const auto backend = std::make_shared<fake_remote>(false, 5);
    (void)map_three(backend, 0, [&] {
        backend->call(0).complete(died_after({0, 2}));
        EXPECT_EQ(backend->call(1).options.retries, 4);
        backend->call(1).complete(items_reply({4}));
    });
}

TEST(remote_map, a_failure_says_worker_task_and_item) {
    const auto backend = std::make_shared<fake_remote>();
    const auto all = map_three(backend, 0, [&] {
        backend->call(0).complete(died_after({0}));
        backend->call(1).complete(items_reply({4}));
    });
    EXPECT_EQ(all.at(2).value(), 4);
    try {
        (void)all.at(1).value();
        FAIL() << "did not throw";
    } catch (const cadre::worker_crashed& e) {
        EXPECT_EQ(e.pid(), 4711);
        EXPECT_EQ(cadre::error_origin(e), "worker (pid 4711), task 'all', item 1");
    }
}

TEST(remote_map, each_item_has_the_limit_of_the_map) {
    const auto backend = std::make_shared<fake_remote>(true);
    const std::jthread worker([&] {
        EXPECT_EQ(backend->call(0).options.timeout, 3s);
        backend->call(0).complete(items_reply({0}));
    });
    EXPECT_EQ(sync_wait(cadre::map(executor(backend), twice, std::views::iota(0, 1), {.chunk = 1, .timeout = 3s})),
              std::vector<int>{0});
}

}  // namespace
