// Cases from CPython's tests of threading and multiprocessing, and from libcoro's tests, of condition variables and
// barriers, on every kind: one side in the program, the other in calls. Cases of lock_conformance are not repeated.
#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include "conformance/of_others.hpp"

namespace {

using namespace conformance_tests;
using namespace std::chrono_literals;
using namespace cadre;

template <class Kind>
class waits_of_others : public of_others<Kind> {};
TYPED_TEST_SUITE(waits_of_others, kinds_of_others);

// --- condition variable ----------------------------------------------------------------------------------------------

/// a[0]: waiters, a[1]: those that go on.
task<void> wait_once(async_mutex m, async_condition_variable cv, shared_array<int> a) {
    auto guard = co_await m.lock();
    ++a[0];
    co_await cv.wait(guard);
    ++a[1];
}
task<int> at(async_mutex m, shared_array<int> a, std::size_t i) {
    const auto guard = co_await m.lock();
    co_return a[i];
}
task<void> until_at(async_mutex m, shared_array<int> a, std::size_t i, int expected) {
    for (;;) {  // with g++ 12 a loop whose condition compares an awaited value did not end
        const int now = co_await at(m, a, i);
        if (now == expected) co_return;
        co_await sleep_for(1ms);
    }
}

// Notified without the lock, and with it; notifications without a waiter are lost.
TYPED_TEST(waits_of_others, as_many_waiters_go_on_as_are_notified) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    const shared_array<int> a{this->under_test, 2};
    cv.notify_one();
    cv.notify_all();
    sync_wait([](executor ex, async_mutex mutex, async_condition_variable c, shared_array<int> counts) -> task<void> {
        scope waiters;
        for (int i = 0; i != 6; ++i)
            waiters.spawn(ex, wait_once, mutex, c, counts);
        co_await until_at(mutex, counts, 0, 6);
        c.notify(3);
        co_await until_at(mutex, counts, 1, 3);
        {
            const auto guard = co_await mutex.lock();
            c.notify_one();
        }
        co_await until_at(mutex, counts, 1, 4);
        c.notify(0);
        co_await sleep_for(soon);
        EXPECT_EQ(co_await at(mutex, counts, 1), 4);
        c.notify(100);
        co_await waiters.join();
        EXPECT_EQ(co_await at(mutex, counts, 1), 6);
    }(this->under_test, m, cv, a));
}

task<void> raise_to(async_mutex m, async_condition_variable cv, shared_array<int> a, int last) {
    for (int i = 0; i != last; ++i) {
        const auto guard = co_await m.lock();
        ++a[0];
        cv.notify_one();
    }
}

TYPED_TEST(waits_of_others, a_wait_for_a_predicate_ends_when_it_is_true) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    const shared_array<int> a{this->under_test, 1};
    sync_wait([](executor ex, async_mutex mutex, async_condition_variable c, shared_array<int> state) -> task<void> {
        auto raised = spawn(ex, raise_to, mutex, c, state, 4);
        auto guard = co_await mutex.lock();
        co_await c.wait(guard, [&] { return state[0] == 4; });
        EXPECT_TRUE(guard.owns_lock());
        guard.unlock();
        co_await raised;
        auto again = co_await mutex.lock();
        co_await c.wait(again, [&] { return state[0] == 4; });  // true at once: needs no notification
    }(this->under_test, m, cv, a));
}

TYPED_TEST(waits_of_others, a_predicate_that_stays_false_times_out_with_the_lock_held) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    const shared_array<int> a{this->under_test, 1};
    sync_wait([](executor ex, async_mutex mutex, async_condition_variable c, shared_array<int> state) -> task<void> {
        auto guard = co_await mutex.lock();
        auto raised = spawn(ex, raise_to, mutex, c, state, 3);
        EXPECT_THROW(co_await timeout(50ms, c.wait(guard, [&] { return state[0] == 4; })), timed_out);
        EXPECT_TRUE(guard.owns_lock());
        EXPECT_FALSE(mutex.try_lock().has_value());
        guard.unlock();
        co_await raised;
        EXPECT_EQ(state[0], 3);
    }(this->under_test, m, cv, a));
}

task<bool> notified_within(async_mutex m, async_condition_variable cv, shared_array<int> a,
                           std::chrono::milliseconds limit) {
    auto guard = co_await m.lock();
    ++a[0];
    bool notified = true;
    try {
        co_await timeout(limit, cv.wait(guard));
    } catch (const timed_out&) {
        notified = false;
    }
    if (!guard.owns_lock()) throw std::runtime_error("the lock is not held after the wait");
    co_return notified;
}

TYPED_TEST(waits_of_others, timed_waits_say_whether_they_were_notified) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    const shared_array<int> a{this->under_test, 1};
    sync_wait([](executor ex, async_mutex mutex, async_condition_variable c, shared_array<int> state) -> task<void> {
        const auto wait = [&](std::chrono::milliseconds limit) {
            return on(ex, notified_within, mutex, c, state, limit);
        };
        const auto [x, y, z] = co_await when_all(wait(soon), wait(soon), wait(soon));
        EXPECT_FALSE(x || y || z);
        const auto notify = [](async_mutex lock, async_condition_variable changed,
                               shared_array<int> waiters) -> task<void> {
            co_await until_at(lock, waiters, 0, 6);
            changed.notify_all();
        };
        const auto [p, q, r, done] = co_await when_all(wait(1h), wait(1h), wait(1h), notify(mutex, c, state));
        EXPECT_TRUE(p && q && r);
    }(this->under_test, m, cv, a));
}

TYPED_TEST(waits_of_others, a_stop_token_ends_a_wait_for_a_predicate) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    sync_wait([](async_mutex mutex, async_condition_variable c) -> task<void> {
        std::stop_source source;
        auto guard = co_await mutex.lock();
        const auto stop = [](std::stop_source s) -> task<void> {
            co_await yield();
            s.request_stop();
        };
        auto waits = with_stop(source.get_token(), c.wait(guard, [] { return false; }));
        const auto wait = [](auto w) -> task<bool> {
            try {
                co_await std::move(w);
            } catch (const cancelled&) {
                co_return true;
            }
            co_return false;
        };
        const auto [was_cancelled, done] = co_await when_all(wait(std::move(waits)), stop(source));
        EXPECT_TRUE(was_cancelled);
        EXPECT_TRUE(guard.owns_lock());
    }(m, cv));
}

enum class first { predicate, stop, limit };

task<first> ends_first(async_mutex m, async_condition_variable cv, shared_array<int> a, std::stop_token token,
                       std::chrono::milliseconds limit) {
    auto guard = co_await m.lock();
    ++a[0];
    first by = first::predicate;
    try {
        co_await timeout(limit, with_stop(token, cv.wait(guard, [&] { return a[1] != 0; })));
    } catch (const timed_out&) {
        by = first::limit;
    } catch (const cancelled&) {
        by = first::stop;
    }
    EXPECT_TRUE(guard.owns_lock());
    co_return by;
}
task<void> fulfil(async_mutex m, async_condition_variable cv, shared_array<int> a) {
    co_await until_at(m, a, 0, 1);
    const auto guard = co_await m.lock();
    a[1] = 1;
    cv.notify_all();
}

// A predicate, a stop token and a limit at once.
TYPED_TEST(waits_of_others, a_wait_says_what_ended_it) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    const shared_array<int> a{this->under_test, 2};
    sync_wait([](executor ex, async_mutex mutex, async_condition_variable c, shared_array<int> state) -> task<void> {
        std::stop_source source;
        EXPECT_EQ(co_await ends_first(mutex, c, state, source.get_token(), soon), first::limit);
        const auto stop = [](std::stop_source s, async_mutex lock, shared_array<int> waiters) -> task<void> {
            co_await until_at(lock, waiters, 0, 2);
            s.request_stop();
        };
        const auto [by_stop, stopped] =
            co_await when_all(ends_first(mutex, c, state, source.get_token(), 1h), stop(source, mutex, state));
        EXPECT_EQ(by_stop, first::stop);
        state[0] = 0;
        const auto [by_predicate, fulfilled] =
            co_await when_all(ends_first(mutex, c, state, std::stop_token{}, 1h), on(ex, fulfil, mutex, c, state));
        EXPECT_EQ(by_predicate, first::predicate);
    }(this->under_test, m, cv, a));
}

TYPED_TEST(waits_of_others, a_wait_without_the_lock_is_an_error) {
    const async_mutex m{this->under_test};
    const async_condition_variable cv{this->under_test};
    sync_wait([](async_mutex mutex, async_condition_variable c) -> task<void> {
        auto guard = co_await mutex.lock();
        guard.unlock();
        EXPECT_THROW(co_await c.wait(guard), std::logic_error);
    }(m, cv));
}

// --- barrier ---------------------------------------------------------------------------------------------------------

/// Two barriers in turn: no task enters a pass before all have left the previous one.
task<void> pass(async_barrier first, async_barrier second, shared_array<int> a, int times) {
    for (int i = 0; i != times; ++i) {
        a.atomic(0).fetch_add(1);
        co_await first.arrive_and_wait();
        if (a.atomic(0).load() != static_cast<int>(first.participants()) * (i + 1))
            throw std::runtime_error("a participant has not arrived");
        co_await second.arrive_and_wait();
    }
}

TYPED_TEST(waits_of_others, barriers_are_used_a_thousand_times) {
    const async_barrier first{this->under_test, 3};
    const async_barrier second{this->under_test, 3};
    const shared_array<int> a{this->under_test, 1};
    sync_wait([](executor ex, async_barrier b, async_barrier c, shared_array<int> count) -> task<void> {
        co_await when_all(on(ex, pass, b, c, count, 500), on(ex, pass, b, c, count, 500), pass(b, c, count, 500));
    }(this->under_test, first, second, a));
    EXPECT_EQ(a[0], 1500);
}

TYPED_TEST(waits_of_others, a_barrier_of_one_never_waits) {
    const async_barrier b{this->under_test, 1};
    const shared_array<int> a{this->under_test, 1};
    sync_wait(on(this->under_test, pass, b, b, a, 10));
    EXPECT_EQ(a[0], 10);
    EXPECT_EQ(b.arrived(), 0U);
}

struct barrier_state {
    std::size_t participants;
    std::size_t arrived;
    bool broken;
    bool operator==(const barrier_state&) const = default;
};
barrier_state state_of(async_barrier b) { return {b.participants(), b.arrived(), b.broken()}; }

// What Python calls parties, n_waiting and broken.
TYPED_TEST(waits_of_others, the_state_of_a_barrier_is_the_same_in_every_process) {
    const async_barrier b{this->under_test, 3};
    sync_wait([](executor ex, async_barrier barrier) -> task<void> {
        const auto expect = [&](barrier_state state) -> task<void> {
            EXPECT_EQ(state_of(barrier), state);
            EXPECT_EQ(co_await on(ex, state_of, barrier), state);
        };
        co_await expect({3, 0, false});
        const auto token = barrier.arrive();
        co_await expect({3, 1, false});
        barrier.drop();
        co_await expect({2, 1, false});
        barrier.abort();
        const barrier_state aborted = co_await on(ex, state_of, barrier);
        EXPECT_TRUE(aborted.broken);
        EXPECT_THROW(co_await barrier.wait(token), broken_barrier);
        EXPECT_THROW(co_await on(ex, pass, barrier, barrier, shared_array<int>(ex, 1), 1), broken_barrier);
    }(this->under_test, b));
}

task<bool> arrives_within(async_barrier b, std::chrono::milliseconds limit) {
    try {
        co_await timeout(limit, b.arrive_and_wait());
    } catch (const timed_out&) {
        co_return false;
    }
    co_return true;
}

// Python's barrier breaks for all when the wait of one participant times out; here its arrival is taken back.
TYPED_TEST(waits_of_others, a_participant_whose_time_is_up_breaks_nothing) {
    const async_barrier b{this->under_test, 2};
    EXPECT_FALSE(sync_wait(on(this->under_test, arrives_within, b, soon)));
    EXPECT_FALSE(b.broken());
    sync_wait([](executor ex, async_barrier barrier) -> task<void> {
        const auto [here, there] = co_await when_all(arrives_within(barrier, 1h), on(ex, arrives_within, barrier, 1h));
        EXPECT_TRUE(here && there);
    }(this->under_test, b));
}

}  // namespace
