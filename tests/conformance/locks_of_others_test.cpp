// Cases from CPython's tests of threading and multiprocessing, and from libcoro's tests, of locks and the like, on
// every kind: one side in the program, the other in calls. Cases of lock_conformance are not repeated.
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/errors.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "conformance/of_others.hpp"

namespace {

using namespace conformance_tests;
using namespace std::chrono_literals;
using namespace cadre;

template <class Kind>
class locks_of_others : public of_others<Kind> {};
TYPED_TEST_SUITE(locks_of_others, kinds_of_others);

// --- event -----------------------------------------------------------------------------------------------------------

task<bool> is_set_within(async_event e, std::chrono::milliseconds limit) {
    try {
        co_await timeout(limit, e.wait());
    } catch (const timed_out&) {
        co_return false;
    }
    co_return true;
}

TYPED_TEST(locks_of_others, a_timed_wait_for_an_event_says_whether_it_is_set) {
    const async_event e{this->under_test};
    EXPECT_FALSE(sync_wait(on(this->under_test, is_set_within, e, soon)));
    e.set();
    e.set();
    EXPECT_TRUE(sync_wait(on(this->under_test, is_set_within, e, 1h)));
    e.reset();
    e.reset();
    EXPECT_FALSE(sync_wait(on(this->under_test, is_set_within, e, soon)));
}

void set_event(async_event e) { e.set(); }
task<int> wait_for_both(async_event first, async_event second) {
    co_await first.wait();
    co_await second.wait();
    co_return 1;
}

// Set in the program and in a call, awaited in both; no waiter misses either.
TYPED_TEST(locks_of_others, an_event_is_the_same_for_all) {
    const async_event a{this->under_test};
    const async_event b{this->under_test};
    sync_wait([](executor ex, async_event first, async_event second) -> task<void> {
        const auto set_both = [](executor on_which, async_event x, async_event y) -> task<void> {
            x.set();
            co_await on(on_which, set_event, y);
            EXPECT_TRUE(y.is_set());
        };
        const auto [x, y, z, done] =
            co_await when_all(on(ex, wait_for_both, first, second), on(ex, wait_for_both, first, second),
                              wait_for_both(first, second), set_both(ex, first, second));
        EXPECT_EQ(x + y + z, 3);
    }(this->under_test, a, b));
}

// --- latch -----------------------------------------------------------------------------------------------------------

task<void> wait_and_add(async_latch l, shared_value<int> passed) {
    co_await l.wait();
    passed.fetch_add(1);
}
void count_down(async_latch l, int n) { l.count_down(n); }

TYPED_TEST(locks_of_others, a_latch_opens_for_all_when_all_steps_are_made_at_once) {
    const async_latch l{this->under_test, 5};
    const shared_value<int> passed{this->under_test, 0};
    sync_wait([](executor ex, async_latch latch, shared_value<int> count) -> task<void> {
        scope waiters;
        for (int i = 0; i != 3; ++i)
            waiters.spawn(ex, wait_and_add, latch, count);
        co_await on(ex, count_down, latch, 0);
        EXPECT_EQ(latch.count(), 5U);
        EXPECT_EQ(count.load(), 0);
        co_await on(ex, count_down, latch, 5);
        co_await waiters.join();
    }(this->under_test, l, passed));
    EXPECT_EQ(passed.load(), 3);
}

TYPED_TEST(locks_of_others, a_latch_of_zero_is_open_in_calls_too) {
    const shared_value<int> passed{this->under_test, 0};
    sync_wait(on(this->under_test, wait_and_add, async_latch(this->under_test, 0), passed));
    EXPECT_EQ(passed.load(), 1);
}

// --- mutex -----------------------------------------------------------------------------------------------------------

bool try_lock(async_mutex m) { return m.try_lock().has_value(); }
task<bool> lock_within(async_mutex m, std::chrono::milliseconds limit) {
    try {
        const auto guard = co_await timeout(limit, m.lock());
        co_return true;
    } catch (const timed_out&) {
        co_return false;
    }
}

TYPED_TEST(locks_of_others, a_lock_that_is_held_here_is_not_free_in_a_call) {
    const async_mutex m{this->under_test};
    {
        const auto guard = m.try_lock();
        EXPECT_TRUE(guard.has_value());
        EXPECT_FALSE(sync_wait(on(this->under_test, try_lock, m)));
        EXPECT_FALSE(sync_wait(on(this->under_test, lock_within, m, soon)));
    }
    EXPECT_TRUE(sync_wait(on(this->under_test, try_lock, m)));
}

TYPED_TEST(locks_of_others, a_lock_is_whole_after_a_wait_that_timed_out) {
    const async_mutex m{this->under_test};
    auto guard = m.try_lock();
    for (int i = 0; i != 3; ++i)
        EXPECT_FALSE(sync_wait(on(this->under_test, lock_within, m, soon)));
    guard.reset();
    EXPECT_TRUE(sync_wait(on(this->under_test, lock_within, m, 1h)));
    EXPECT_TRUE(m.try_lock().has_value());
}

TYPED_TEST(locks_of_others, another_task_may_unlock) {
    const async_mutex m{this->under_test};
    sync_wait([](async_mutex mutex) -> task<void> {
        auto guard = co_await mutex.lock();
        const auto end = [](async_mutex::guard held) -> task<void> {
            held.unlock();
            co_return;
        };
        co_await when_all(lock_within(mutex, 1h), end(std::move(guard)));
    }(m));
    EXPECT_TRUE(m.try_lock().has_value());
}

// --- shared mutex ----------------------------------------------------------------------------------------------------

task<void> read(async_shared_mutex m, shared_array<int> inside, int times) {
    for (int i = 0; i != times; ++i) {
        const auto guard = co_await m.lock_shared();
        if (inside[0] != 0) throw std::runtime_error("a reader beside a writer");
    }
}
task<void> write(async_shared_mutex m, shared_array<int> inside, int times) {
    for (int i = 0; i != times; ++i) {
        const auto guard = co_await m.lock();
        if (inside[0]++ != 0) throw std::runtime_error("two writers");
        co_await yield();
        --inside[0];
        ++inside[1];
    }
}

TYPED_TEST(locks_of_others, interleaved_readers_and_writers_all_get_in) {
    const async_shared_mutex m{this->under_test};
    const shared_array<int> inside{this->under_test, 2};
    sync_wait([](executor ex, async_shared_mutex mutex, shared_array<int> a) -> task<void> {
        scope all;
        for (int i = 0; i != 4; ++i) {
            all.spawn(ex, read, mutex, a, 30);
            all.spawn(ex, write, mutex, a, 10);
        }
        all.spawn(read(mutex, a, 30));
        all.spawn(write(mutex, a, 10));
        co_await all.join();
    }(this->under_test, m, inside));
    EXPECT_EQ(inside[0], 0);
    EXPECT_EQ(inside[1], 50);
}

enum entry : unsigned { writing = 1, reading = 2 };

unsigned possible(async_shared_mutex m) {
    unsigned p = 0;
    if (m.try_lock()) p |= writing;
    if (m.try_lock_shared()) p |= reading;
    return p;
}
task<bool> enters_within(async_shared_mutex m, entry how, std::chrono::milliseconds limit) {
    try {
        if (how == writing)
            static_cast<void>(co_await timeout(limit, m.lock()));
        else
            static_cast<void>(co_await timeout(limit, m.lock_shared()));
    } catch (const timed_out&) {
        co_return false;
    }
    co_return true;
}

// What may enter beside a writer, beside readers, and beside nobody: asked in calls, and by waiting.
TYPED_TEST(locks_of_others, what_may_enter_depends_on_who_is_inside) {
    const async_shared_mutex m{this->under_test};
    sync_wait([](executor ex, async_shared_mutex mutex) -> task<void> {
        {
            const auto inside = co_await mutex.lock();
            EXPECT_EQ(co_await on(ex, possible, mutex), 0U);
            EXPECT_FALSE(co_await on(ex, enters_within, mutex, writing, soon));
            EXPECT_FALSE(co_await on(ex, enters_within, mutex, reading, soon));
        }
        {
            const auto inside = co_await mutex.lock_shared();
            EXPECT_EQ(co_await on(ex, possible, mutex), unsigned{reading});
            EXPECT_FALSE(co_await on(ex, enters_within, mutex, writing, soon));
            EXPECT_TRUE(co_await on(ex, enters_within, mutex, reading, 1h));  // no trace of the writer that gave up
            const auto beside = mutex.try_lock_shared();
            EXPECT_TRUE(beside.has_value());
        }
        EXPECT_EQ(co_await on(ex, possible, mutex), unsigned{writing} | unsigned{reading});
        EXPECT_TRUE(co_await on(ex, enters_within, mutex, writing, 1h));
    }(this->under_test, m));
}

// --- semaphore -------------------------------------------------------------------------------------------------------

task<void> keep_one(async_semaphore s, shared_value<int> acquired) {
    auto permit = co_await s.acquire();
    permit.forget();
    acquired.fetch_add(1);
    acquired.notify_all();
}
task<void> until(shared_value<int> v, int expected) {
    for (int seen = v.load(); seen < expected; seen = v.load())
        co_await v.wait(seen);
}

// Ten waiters for seven permits; then two more, then one.
TYPED_TEST(locks_of_others, as_many_waiters_pass_as_there_are_permits) {
    const async_semaphore s{this->under_test, 7};
    const shared_value<int> acquired{this->under_test, 0};
    sync_wait([](executor ex, async_semaphore semaphore, shared_value<int> count) -> task<void> {
        scope waiters;
        for (int i = 0; i != 10; ++i)
            waiters.spawn(ex, keep_one, semaphore, count);
        co_await until(count, 7);
        EXPECT_EQ(semaphore.available(), 0U);
        EXPECT_FALSE(semaphore.try_acquire().has_value());
        semaphore.release(2);
        co_await until(count, 9);
        EXPECT_EQ(count.load(), 9);
        semaphore.release();
        co_await waiters.join();
    }(this->under_test, s, acquired));
    EXPECT_EQ(acquired.load(), 10);
    EXPECT_EQ(s.available(), 0U);
}

task<bool> acquire_within(async_semaphore s, int n, std::chrono::milliseconds limit) {
    try {
        const auto permit = co_await timeout(limit, s.acquire(n));
        co_return permit.count() == static_cast<std::uint32_t>(n);
    } catch (const timed_out&) {
        co_return false;
    }
}

TYPED_TEST(locks_of_others, a_timed_wait_for_permits_takes_none) {
    const async_semaphore s{this->under_test, 2};
    EXPECT_TRUE(sync_wait(on(this->under_test, acquire_within, s, 2, 1h)));
    EXPECT_FALSE(sync_wait(on(this->under_test, acquire_within, s, 3, soon)));
    EXPECT_EQ(s.available(), 2U);
    s.release();  // beyond those with which it was made
    EXPECT_TRUE(sync_wait(on(this->under_test, acquire_within, s, 3, 1h)));
    EXPECT_EQ(s.available(), 3U);
}

}  // namespace
