/// @file
/// Conformance of events, latches, barriers, shared mutexes, condition variables and waits for values: the same
/// guarantees on every executor, for waiters here and there.
///
///     struct my_kind { static cadre::executor make() { return cadre::make_executor("mine:2"); } };
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, lock_conformance, my_kind);   // in namespace cadre::conformance
///
/// Its tests need `cadre::testing_main`, or a `cadre::runtime` in `main`.
#pragma once

#include <chrono>
#include <cstddef>
#include <ranges>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/on.hpp>
#include <cadre/select.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/testing/conformance_lock_tasks.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {

/// `Kind::make()` returns a new executor with a memory domain that can suspend several tasks.
template <class Kind>
class lock_conformance : public ::testing::Test {
protected:
    const executor under_test = Kind::make();
};
TYPED_TEST_SUITE_P(lock_conformance);

TYPED_TEST_P(lock_conformance, an_event_releases_every_waiter) {
    async_event e{this->under_test};
    shared_value<int> continued{this->under_test, 0};
    sync_wait([](executor ex, async_event event, shared_value<int> count) -> task<void> {
        auto set = [](async_event to_set) -> task<int> {
            co_await yield();
            to_set.set();
            co_return 0;
        };
        co_await when_all(on(ex, lock_tasks::wait_and_count, event, count),
                          on(ex, lock_tasks::wait_and_count, event, count), lock_tasks::wait_and_count(event, count),
                          set(event));
        EXPECT_TRUE(event.is_set());
        co_await event.wait();
        event.reset();
        EXPECT_FALSE(event.is_set());
        EXPECT_THROW(co_await timeout(std::chrono::milliseconds(5), event.wait()), timed_out);
    }(this->under_test, e, continued));
    EXPECT_EQ(continued.load(), 3);
}

// Also those that see the event only after it was reset.
TYPED_TEST_P(lock_conformance, an_event_that_is_reset_at_once_releases_every_waiter) {
    async_event e{this->under_test};
    shared_value<int> continued{this->under_test, 0};
    sync_wait([](executor ex, async_event event, shared_value<int> count) -> task<void> {
        auto pulse = [](async_event to_set, shared_value<int> until) -> task<int> {
            for (int pulses = 0;; ++pulses) {
                to_set.set();
                to_set.reset();
                if (until.load() == 3) co_return pulses;
                co_await sleep_for(std::chrono::milliseconds(1));
            }
        };
        co_await when_all(on(ex, lock_tasks::wait_and_count, event, count),
                          on(ex, lock_tasks::wait_and_count, event, count), lock_tasks::wait_and_count(event, count),
                          pulse(event, count));
        EXPECT_FALSE(event.is_set());
    }(this->under_test, e, continued));
}

TYPED_TEST_P(lock_conformance, a_latch_opens_at_the_last_arrival) {
    async_latch l{this->under_test, 3};
    shared_value<int> before{this->under_test, 0};
    sync_wait([](executor ex, async_latch latch, shared_value<int> count) -> task<void> {
        co_await when_all(on(ex, lock_tasks::count_down_and_wait, latch, count),
                          on(ex, lock_tasks::count_down_and_wait, latch, count),
                          lock_tasks::count_down_and_wait(latch, count));
        EXPECT_TRUE(latch.try_wait());
        co_await latch.wait();
        EXPECT_THROW(latch.count_down(), std::underflow_error);
        EXPECT_THROW(co_await latch.arrive_and_wait(), std::underflow_error);
    }(this->under_test, l, before));
}

TYPED_TEST_P(lock_conformance, a_barrier_separates_phases_and_runs_its_action_once_in_each) {
    shared_value<int> phases{this->under_test, 0};
    async_barrier b{this->under_test, 3, bind_portable(lock_tasks::count_phase, phases)};
    const auto a = lock_tasks::places::make(this->under_test, 3, shares_arrays(this->under_test));
    sync_wait([](executor ex, async_barrier barrier, lock_tasks::places array) -> task<void> {
        co_await when_all(on(ex, lock_tasks::run_phases, barrier, array, 0, 50),
                          on(ex, lock_tasks::run_phases, barrier, array, 1, 50),
                          lock_tasks::run_phases(barrier, array, 2, 50));
    }(this->under_test, b, a));
    EXPECT_EQ(phases.load(), 100);
}

TYPED_TEST_P(lock_conformance, a_barrier_expects_those_that_dropped_no_more) {
    async_barrier b{this->under_test, 3};
    sync_wait([](executor ex, async_barrier barrier) -> task<void> {
        auto go_on = [](async_barrier mine) -> task<int> {
            for (int i = 0; i < 6; ++i)
                co_await mine.arrive_and_wait();
            co_return 0;
        };
        co_await when_all(on(ex, lock_tasks::drop_after, barrier, 2), on(ex, lock_tasks::drop_after, barrier, 3),
                          go_on(barrier));
        EXPECT_EQ(barrier.participants(), 1u);
    }(this->under_test, b));
}

TYPED_TEST_P(lock_conformance, an_aborted_barrier_releases_every_waiter) {
    async_barrier b{this->under_test, 4};
    sync_wait([](executor ex, async_barrier barrier) -> task<void> {
        auto abort = [](async_barrier to_abort) -> task<int> {
            while (to_abort.arrived() != 3)
                co_await sleep_for(std::chrono::milliseconds(1));
            to_abort.abort();
            co_return 0;
        };
        auto [first, second, third, aborted] =
            co_await when_all(on(ex, lock_tasks::is_broken_for, barrier), on(ex, lock_tasks::is_broken_for, barrier),
                              lock_tasks::is_broken_for(barrier), abort(barrier));
        EXPECT_TRUE(first && second && third);
        EXPECT_TRUE(barrier.broken());
        EXPECT_THROW((void)barrier.arrive(), broken_barrier);
    }(this->under_test, b));
}

TYPED_TEST_P(lock_conformance, an_action_that_fails_breaks_its_barrier) {
    async_barrier b{this->under_test, 2, lock_tasks::fail};
    sync_wait([](executor ex, async_barrier barrier) -> task<void> {
        auto last = [](async_barrier mine) -> task<int> {
            while (mine.arrived() != 1)
                co_await sleep_for(std::chrono::milliseconds(1));
            EXPECT_THROW(co_await mine.arrive_and_wait(), std::range_error);
            co_return 0;
        };
        auto [broken, done] = co_await when_all(on(ex, lock_tasks::is_broken_for, barrier), last(barrier));
        EXPECT_TRUE(broken);
    }(this->under_test, b));
}

TYPED_TEST_P(lock_conformance, readers_are_inside_together) {
    async_shared_mutex m{this->under_test};
    async_barrier inside{this->under_test, 3};
    sync_wait([](executor ex, async_shared_mutex mutex, async_barrier barrier) -> task<void> {
        co_await when_all(on(ex, lock_tasks::read_together, mutex, barrier),
                          on(ex, lock_tasks::read_together, mutex, barrier), lock_tasks::read_together(mutex, barrier));
        auto writer = mutex.try_lock();
        EXPECT_TRUE(writer);
        EXPECT_FALSE(mutex.try_lock_shared());
        EXPECT_THROW((void)co_await timeout(std::chrono::milliseconds(5), mutex.lock_shared()), timed_out);
        writer.reset();
        auto reader = mutex.try_lock_shared();
        EXPECT_TRUE(reader && mutex.try_lock_shared());
        EXPECT_FALSE(mutex.try_lock());
        EXPECT_THROW((void)co_await timeout(std::chrono::milliseconds(5), mutex.lock()), timed_out);
        EXPECT_TRUE(mutex.try_lock_shared());  // the writer has taken back what kept readers out
    }(this->under_test, m, inside));
}

TYPED_TEST_P(lock_conformance, a_writer_is_inside_alone) {
    async_shared_mutex m{this->under_test};
    const auto pair = lock_tasks::places::make(this->under_test, 2, shares_arrays(this->under_test));
    sync_wait([](executor ex, async_shared_mutex mutex, lock_tasks::places data) -> task<void> {
        co_await when_all(
            on(ex, lock_tasks::write_pairs, mutex, data, 100), on(ex, lock_tasks::read_pairs, mutex, data, 100),
            on(ex, lock_tasks::read_pairs, mutex, data, 100), on(ex, lock_tasks::write_pairs, mutex, data, 100),
            lock_tasks::write_pairs(mutex, data, 100), lock_tasks::read_pairs(mutex, data, 100));
    }(this->under_test, m, pair));
    EXPECT_EQ(pair.get(0), 300);
    EXPECT_EQ(pair.get(1), 300);
}

TYPED_TEST_P(lock_conformance, a_bounded_buffer_of_condition_variables_loses_nothing) {
    async_mutex m{this->under_test};
    async_condition_variable full{this->under_test};
    async_condition_variable empty{this->under_test};
    const auto a = lock_tasks::places::make(this->under_test, 6, shares_arrays(this->under_test));
    const int sum = sync_wait([](executor ex, async_mutex mutex, async_condition_variable not_full,
                                 async_condition_variable not_empty, lock_tasks::places items) -> task<int> {
        auto [p, q, x, y] =
            co_await when_all(on(ex, lock_tasks::put_items, mutex, not_full, not_empty, items, 0, 100),
                              on(ex, lock_tasks::put_items, mutex, not_full, not_empty, items, 100, 200),
                              on(ex, lock_tasks::take_items, mutex, not_full, not_empty, items, 100),
                              lock_tasks::take_items(mutex, not_full, not_empty, items, 100));
        co_return x + y;
    }(this->under_test, m, full, empty, a));
    EXPECT_EQ(sum, 199 * 200 / 2);
}

TYPED_TEST_P(lock_conformance, a_notification_is_for_one_waiter) {
    async_mutex m{this->under_test};
    async_condition_variable cv{this->under_test};
    const auto a = lock_tasks::places::make(this->under_test, 2, shares_arrays(this->under_test));
    sync_wait(
        [](executor ex, async_mutex mutex, async_condition_variable changed, lock_tasks::places counts) -> task<void> {
            const auto one = [&] { return on(ex, lock_tasks::wait_once, mutex, changed, counts); };
            co_await when_all(one(), one(), one(), lock_tasks::wait_once(mutex, changed, counts),
                              lock_tasks::wait_once(mutex, changed, counts),
                              lock_tasks::notify_five(mutex, changed, counts));
            auto guard = co_await mutex.lock();
            EXPECT_THROW(co_await timeout(std::chrono::milliseconds(5), changed.wait(guard)), timed_out);
            EXPECT_TRUE(guard.owns_lock());
        }(this->under_test, m, cv, a));
}

TYPED_TEST_P(lock_conformance, a_value_announces_its_changes) {
    shared_value<int> turn{this->under_test, 0};
    sync_wait([](executor ex, shared_value<int> v) -> task<void> {
        co_await when_all(on(ex, lock_tasks::alternate, v, 0, 200), lock_tasks::alternate(v, 1, 200));
        co_await when_all(on(ex, lock_tasks::alternate, v, 0, 400), on(ex, lock_tasks::alternate, v, 1, 400));
        EXPECT_EQ(v.load(), 400);
        co_await v.wait(399);
        EXPECT_THROW(co_await timeout(std::chrono::milliseconds(5), v.wait(400)), timed_out);
    }(this->under_test, turn));
}

TYPED_TEST_P(lock_conformance, a_cancelled_wait_at_a_barrier_is_taken_back) {
    async_barrier b{this->under_test, 2};
    sync_wait([](async_barrier barrier) -> task<void> {
        EXPECT_THROW(co_await timeout(std::chrono::milliseconds(5), barrier.arrive_and_wait()), timed_out);
        EXPECT_EQ(barrier.arrived(), 0u);
        const auto token = barrier.arrive();
        EXPECT_THROW(co_await timeout(std::chrono::milliseconds(5), barrier.wait(token)), timed_out);
        EXPECT_EQ(barrier.arrived(), 1u);
        co_await barrier.arrive_and_wait();
        co_await barrier.wait(token);
    }(b));
}

TYPED_TEST_P(lock_conformance, a_select_performs_one_wait_or_lock) {
    async_event e{this->under_test};
    async_latch l{this->under_test, 1};
    async_shared_mutex m{this->under_test};
    shared_value<int> v{this->under_test, 0};
    sync_wait(
        [](async_event event, async_latch latch, async_shared_mutex mutex, shared_value<int> value) -> task<void> {
            auto writer = mutex.try_lock();
            const auto act = [&](int what) -> task<int> {
                co_await yield();
                if (what == 0) event.set();
                if (what == 1) latch.count_down();
                if (what == 2) writer.reset();
                if (what == 3) {
                    value.store(1);
                    value.notify_one();
                }
                co_return 0;
            };
            for (const int what : {3, 2, 0, 1}) {
                auto [chosen, done] = co_await when_all(lock_tasks::select_one(event, latch, mutex, value), act(what));
                EXPECT_EQ(chosen, static_cast<std::size_t>(what));
                if (what == 3) value.store(0);
                if (what == 0) event.reset();
                if (what == 2) writer = mutex.try_lock();  // the reader's guard has gone
            }
            // A watch that is withdrawn excludes no other task.
            writer.reset();
            auto reader = mutex.try_lock_shared();
            event.reset();
            const std::size_t late = co_await lock_tasks::select_lock(mutex);
            EXPECT_EQ(late, 1u);
            EXPECT_TRUE(mutex.try_lock_shared());
        }(e, l, m, v));
}

TYPED_TEST_P(lock_conformance, waits_end_with_the_executor) {
    const executor ex = this->under_test;
    async_event e{ex};
    async_latch l{ex, 1};
    async_barrier b{ex, 2};
    async_shared_mutex s{ex};
    async_mutex m{ex};
    async_condition_variable cv{ex};
    shared_value<int> v{ex, 1};
    sync_wait([&]() -> task<void> {
        auto writer = s.try_lock();
        auto guard = m.try_lock();
        using lock_tasks::ends_by_shutdown;
        auto [event, latch, barrier, reader, condition, value, done] = co_await when_all(
            ends_by_shutdown(e.wait()), ends_by_shutdown(l.wait()), ends_by_shutdown(b.arrive_and_wait()),
            ends_by_shutdown(s.lock_shared()), ends_by_shutdown(cv.wait(*guard)), ends_by_shutdown(v.wait(1)),
            lock_tasks::shut_down(ex));
        EXPECT_TRUE(event && latch && barrier && reader && condition && value);
        EXPECT_THROW(co_await e.wait(), executor_stopped);
        EXPECT_THROW(co_await l.wait(), executor_stopped);
        EXPECT_THROW((void)b.arrive(), executor_stopped);
        EXPECT_THROW((void)s.try_lock_shared(), executor_stopped);
        EXPECT_THROW(co_await v.wait(0), executor_stopped);
        EXPECT_THROW((async_event{ex}), executor_stopped);
        EXPECT_THROW((async_shared_mutex{ex}), executor_stopped);
        EXPECT_THROW((async_condition_variable{ex}), executor_stopped);
        e.set();
        l.count_down();
        cv.notify_all();
    }());
}

REGISTER_TYPED_TEST_SUITE_P(lock_conformance, an_event_releases_every_waiter,
                            an_event_that_is_reset_at_once_releases_every_waiter, a_latch_opens_at_the_last_arrival,
                            a_barrier_separates_phases_and_runs_its_action_once_in_each,
                            a_barrier_expects_those_that_dropped_no_more, an_aborted_barrier_releases_every_waiter,
                            an_action_that_fails_breaks_its_barrier, readers_are_inside_together,
                            a_writer_is_inside_alone, a_bounded_buffer_of_condition_variables_loses_nothing,
                            a_notification_is_for_one_waiter, a_value_announces_its_changes,
                            a_cancelled_wait_at_a_barrier_is_taken_back, a_select_performs_one_wait_or_lock,
                            waits_end_with_the_executor);

}  // namespace cadre::conformance
