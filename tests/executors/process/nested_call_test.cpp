// Replies to nested calls and the room that they need.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/async_event.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/channel.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/shared_value.hpp>

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<int> call_and_wait(executor ex, cadre::async_semaphore arrived, cadre::channel<int> gate, int x) {
    const int y = co_await cadre::on(ex, plus_one, x);
    arrived.release();
    (void)co_await gate.receive();
    co_return y;
}

// More replies than their ring holds are sent to workers that compute: the parent sends the rest when there is room.
task<void> replies_to_busy_workers(executor ex) {
    constexpr int members = 800;
    const cadre::async_semaphore arrived(ex, 0);
    const cadre::channel<int> gate(ex, 1);
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < members; ++i) {
        jobs.push_back(cadre::spawn(ex, call_and_wait, ex, arrived, gate, i));
        if (i % 150 == 149) jobs.push_back(cadre::spawn(ex, compute_for, 60ms));
    }
    const auto all = co_await arrived.acquire(members);
    gate.close();
    for (auto& job : jobs)
        (void)co_await job;
}

TEST(process_nested_calls, replies_reach_a_worker_that_was_busy) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    cadre::sync_wait(replies_to_busy_workers(ex));
}

// Refused calls: no worker runs anything for these replies, so no event makes the parent send those that wait for room.
// How many calls are refused depends on how fast the parent places the others.
task<int> count_refused_calls(executor ex) {
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 24000; ++i)
        jobs.push_back(cadre::spawn(ex, plus_one, i));
    compute_for(20ms);
    int refused = 0;
    for (auto& job : jobs)
        try {
            (void)co_await job;
        } catch (const cadre::error&) {
            ++refused;
        }
    co_return refused;
}

TEST(process_nested_calls, replies_wait_for_room_without_an_event_from_the_worker) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1, .max_pending = 1}};
    for (int refused = 0; refused <= 1000;)
        refused += cadre::sync_wait(cadre::on(ex, count_refused_calls, ex));
}

/// A nested call of a function that is no task.
class forged_call final : public cadre::detail::portable_call {
public:
    void complete(cadre::detail::call_reply r) noexcept override {
        reply = std::move(r);
        completed.set();
    }
    cadre::detail::call_reply reply;
    cadre::async_event completed{cadre::serial_executor{}};
};

task<std::string> name_a_function_that_is_no_task(executor ex) {
    forged_call call;
    call.entry = cadre::detail::identify_function(reinterpret_cast<const void*>(&plus_one));
    cadre::detail::portable_call* const only = &call;
    ex.backend()->submit(std::span(&only, 1));
    co_await call.completed.wait();
    try {
        (void)cadre::detail::read_reply<int>(call.reply);
    } catch (const cadre::not_portable& e) {
        co_return e.what();
    }
    co_return "nothing";
}

TEST(process_nested_calls, name_only_tasks) {
    const executor ex = process_executor{{.workers = 2}};
    const std::string what = cadre::sync_wait(cadre::on(ex, name_a_function_that_is_no_task, ex));
    EXPECT_NE(what.find("a nested call names a function that is not a task"), std::string::npos) << what;
}

int call_through(executor other) { return static_cast<int>(other.concurrency()); }

// A worker knows its own executor; the handle of another one does not reach it.
TEST(process_nested_calls, go_to_the_executor_of_the_worker_only) {
    const executor ex = process_executor{{.workers = 1}};
    const executor other = process_executor{{.workers = 1}};
    const cadre::serial_executor local;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, call_through, ex)), 1);
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, call_through, other)), cadre::not_portable);
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, call_through, executor(local))), cadre::not_portable);
    EXPECT_EQ(cadre::sync_wait(cadre::on(local, call_through, other)), 1);
}

}  // namespace
