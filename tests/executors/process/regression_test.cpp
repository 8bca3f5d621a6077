// Programs that hung once: each depends on a wake-up that somebody has to give, or on a wait that nobody may do.

#include "guard.hpp"
#include "support.hpp"

#include "process/deferred_destruction.hpp"

#include <cadre/channel.hpp>
#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <utility>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using std::chrono::steady_clock;

template <class R>
task<R> get(cadre::job<R> job) {
    co_return co_await job;
}

int compute_for(std::chrono::milliseconds d) {
    const auto end = steady_clock::now() + d;
    while (steady_clock::now() < end)
        asm volatile("");
    return 0;
}

task<int> call_and_wait(executor ex, cadre::shared_value<int> arrived, cadre::channel<int> gate, int x) {
    const int y = co_await cadre::on(ex, plus_one, x);
    arrived.fetch_add(1);
    (void)co_await gate.receive();
    co_return y;
}

// More replies than their ring holds come back to workers that compute; when they have room again somebody must look.
task<void> many_replies_to_busy_workers(executor ex) {
    constexpr int members = 800;
    const cadre::shared_value<int> arrived(ex, 0);
    const cadre::channel<int> gate(ex, 1);
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < members; ++i) {
        jobs.push_back(cadre::spawn(ex, call_and_wait, ex, arrived, gate, i));
        if (i % 150 == 149) jobs.push_back(cadre::spawn(ex, compute_for, 60ms));
    }
    while (arrived.load() != members)
        co_await cadre::sleep_for(1ms);
    gate.close();
    for (auto& job : jobs)
        (void)co_await job;
}

TEST(process_regression, nested_replies_reach_a_worker_that_was_busy) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    cadre::sync_wait(many_replies_to_busy_workers(ex));
}

// Replies that no worker has to run anything for: only the parent can go on with what found no room. How many calls are refused
// depends on how fast the parent hands over the others; enough of them are.
task<int> calls_that_are_refused(executor ex) {
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 8000; ++i)
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

TEST(process_regression, replies_that_found_no_room_follow_without_any_message_from_the_worker) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1, .max_pending = 1}};
    EXPECT_GT(cadre::sync_wait(cadre::on(ex, calls_that_are_refused, ex)), 1000);
}

task<int> say_and_compute(cadre::channel<int> begun) {
    co_await begun.send(1);
    co_return compute_for(5ms);  // does not hear of a stop request
}

task<void> drop_everything_while_it_runs() {
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun(ex, 1);
    const auto job = cadre::spawn(ex, say_and_compute, begun);
    (void)co_await begun.receive();
}

task<void> drop_handles(std::promise<void>* done) {
    for (int i = 0; i < 10; ++i) {
        co_await drop_everything_while_it_runs();
        co_await cadre::sleep_for(20ms);  // the call ends, most likely
    }
    if (done != nullptr) done->set_value();
}

TEST(process_regression, a_call_that_ends_in_a_poll_may_hold_the_last_handle) {
    const hang_guard guard;
    run(drop_handles, nullptr);
    EXPECT_TRUE(cadre::detail::wait_for_deferred_destruction(30s));
}

TEST(process_regression, a_call_that_ends_on_the_executors_own_thread_may_hold_the_last_handle) {
    const hang_guard guard;
    const cadre::thread_executor pool{{.workers = 1}};
    std::promise<void> done;
    auto job = cadre::spawn(pool, drop_handles, &done);
    done.get_future().wait();  // nobody drives a loop meanwhile
    run(get<void>, std::move(job));
    EXPECT_TRUE(cadre::detail::wait_for_deferred_destruction(30s));
}

task<int> make_and_use(int rounds) {
    co_await cadre::sleep_for(20ms);  // most likely the main thread's loop sleeps by then
    const executor ex = process_executor{{.workers = 2}};
    int sum = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto [a, b] = co_await cadre::when_all(cadre::on(ex, plus_one, i), cadre::on(ex, plus_one, i));
        sum += a + b;
    }
    co_return sum;
}

// Comes with a descriptor of its own, and only when the loop is about to sleep on another one.
class late_ringer final : public cadre::detail::event_source {
public:
    bool poll() noexcept override { return false; }
    void announce_sleep() noexcept override {
        if (std::exchange(notified_, true)) return;
        cadre::detail::set_loop_wake_descriptor(bell_);
        const std::uint64_t one = 1;
        rung = ::write(bell_, &one, sizeof one) == sizeof one;
    }
    void announce_awake() noexcept override { woken |= notified_; }

    bool rung = false;
    bool woken = false;

private:
    const int bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // stays open: somebody may still be about to ring it
    bool notified_ = false;
};

TEST(process_regression, a_descriptor_that_is_set_while_the_loop_goes_to_sleep_wakes_it) {
    const hang_guard guard;
    const int before = cadre::detail::loop_wake_descriptor();
    late_ringer ringer;
    cadre::detail::add_event_source(ringer);
    cadre::detail::drive_until([&] { return ringer.woken; });
    cadre::detail::remove_event_source(ringer);
    cadre::detail::set_loop_wake_descriptor(before);
    EXPECT_TRUE(ringer.rung);
}

// The first process executor of a program brings the descriptor with it that its workers ring.
TEST(process_regression, an_executor_may_be_made_while_the_loop_sleeps) {
    const hang_guard guard;
    const cadre::thread_executor pool{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(pool, make_and_use, 3)), 2 * (1 + 2 + 3));
}

int wait_until(cadre::shared_value<int> v, int least) {
    while (v.load() < least)
        asm volatile("");
    return least;
}

task<void> second_depends_on_first(executor ex, std::promise<void>* done) {
    for (int round = 1; round <= 20; ++round) {
        const cadre::shared_value<int> v(ex, 0);
        for (int i = 0; i < 100; ++i)
            (void)co_await cadre::on(ex, wait_until, v, 0);  // known to be quick
        auto before = cadre::spawn(ex, compute_for, 5ms);  // the next two lie in the ring together
        auto first = cadre::spawn(ex, wait_until, v, 0);
        auto second = cadre::spawn(ex, wait_until, v, round);
        (void)co_await first;
        v.store(round);
        (void)co_await second;
        (void)co_await before;
    }
    done->set_value();
}

// No loop looks for results here, and the worker does not come to look whether they were heard of.
TEST(process_regression, a_result_is_heard_of_although_its_worker_goes_on_computing) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const cadre::thread_executor pool{{.workers = 1}};
    std::promise<void> done;
    auto job = cadre::spawn(pool, second_depends_on_first, ex, &done);
    done.get_future().wait();
    run(get<void>, std::move(job));
}

}  // namespace
