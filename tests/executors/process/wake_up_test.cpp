// Programs that hang if a wake-up is missing.

#include "guard.hpp"
#include "support.hpp"

#include "base/doorbell.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <future>
#include <utility>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

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

// Sets a wake descriptor of its own when the loop is about to sleep on another one.
class late_descriptor final : public cadre::detail::event_source {
public:
    bool poll() noexcept override { return false; }
    void announce_sleep() noexcept override {
        if (std::exchange(notified_, true)) return;
        cadre::detail::set_loop_wake_descriptor(bell_);
        rung = true;
        cadre::detail::doorbell::ring(bell_);
    }
    void announce_awake() noexcept override { woken |= notified_; }

    bool rung = false;
    bool woken = false;

private:
    const int bell_ = cadre::detail::doorbell().release();  // stays open: a ring may be under way
    bool notified_ = false;
};

TEST(process_wake_up, a_descriptor_set_while_the_loop_goes_to_sleep_wakes_it) {
    const hang_guard guard;
    const int before = cadre::detail::loop_wake_descriptor();
    late_descriptor ringer;
    cadre::detail::add_event_source(ringer);
    cadre::detail::drive_until([&] { return ringer.woken; });
    cadre::detail::remove_event_source(ringer);
    cadre::detail::set_loop_wake_descriptor(before);
    EXPECT_TRUE(ringer.rung);
}

// The first process executor of a program sets the descriptor that its workers ring.
TEST(process_wake_up, an_executor_may_be_created_while_the_loop_sleeps) {
    const hang_guard guard;
    const cadre::thread_executor pool{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(pool, make_and_use, 3)), 2 * (1 + 2 + 3));
}

int wait_until(cadre::shared_value<int> v, int minimum) {
    while (v.load() < minimum)
        asm volatile("");
    return minimum;
}

task<void> second_depends_on_first(executor ex, std::promise<void>* done) {
    for (int round = 1; round <= 20; ++round) {
        const cadre::shared_value<int> v(ex, 0);
        for (int i = 0; i < 100; ++i)
            (void)co_await cadre::on(ex, wait_until, v, 0);  // measured as quick
        auto before = cadre::spawn(ex, compute_for, 5ms);  // the next two are in the ring together
        auto first = cadre::spawn(ex, wait_until, v, 0);
        auto second = cadre::spawn(ex, wait_until, v, round);
        (void)co_await first;
        v.store(round);
        (void)co_await second;
        (void)co_await before;
    }
    done->set_value();
}

// No loop polls for results here, and the computing worker cannot check whether they were read.
TEST(process_wake_up, a_result_is_announced_although_its_worker_goes_on_computing) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const cadre::thread_executor pool{{.workers = 1}};
    std::promise<void> done;
    auto job = cadre::spawn(pool, second_depends_on_first, ex, &done);
    done.get_future().wait();
    run(wait_for<void>, std::move(job));
}

}  // namespace
