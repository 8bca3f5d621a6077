// Replies to nested calls and the room that they need.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/async_semaphore.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/shared_value.hpp>

#include <gtest/gtest.h>

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

// Refused calls: no worker runs anything for these replies, so no event makes the parent send those that wait for room. How
// many calls are refused depends on how fast the parent places the others.
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

}  // namespace
