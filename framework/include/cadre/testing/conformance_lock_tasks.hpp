/// @file
/// The functions that the tests of conformance_locks.hpp run on the executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/select.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>

namespace cadre::conformance {

namespace lock_tasks {

using namespace std::chrono_literals;

inline task<void> wait_and_count(async_event e, shared_value<int> continued) {
    co_await e.wait();
    continued.fetch_add(1);
}

inline task<void> count_down_and_wait(async_latch l, shared_value<int> before) {
    before.fetch_add(1);
    co_await l.arrive_and_wait();
    if (before.load() != 3) throw std::runtime_error("the latch was open too early");
}

/// Integers that tasks access under a lock or between phases: memory, where the executor shares memory, so that a
/// missing order of accesses is a race; else shared values. Each access is separate: an update by two accesses is lost
/// if another task is inside.
struct places {
    std::vector<shared_array<int>> memory{};  // one or none
    std::vector<shared_value<int>> values{};

    [[nodiscard]] static places make(const executor& ex, std::size_t count, bool in_memory) {
        places made;
        if (in_memory)
            made.memory.emplace_back(ex, count);
        else
            for (std::size_t i = 0; i < count; ++i)
                made.values.emplace_back(ex, 0);
        return made;
    }
    [[nodiscard]] std::size_t size() const { return memory.empty() ? values.size() : memory.front().size(); }
    [[nodiscard]] int get(std::size_t i) const { return memory.empty() ? values[i].load() : memory.front()[i]; }
    void set(std::size_t i, int n) const {
        if (memory.empty())
            values[i].store(n);
        else
            memory.front()[i] = n;
    }
    void increment(std::size_t i) const { set(i, get(i) + 1); }
};

/// Writes its element in one phase and reads those of all in the next one.
inline task<void> run_phases(async_barrier b, places a, int me, int phases) {
    for (int i = 0; i < phases; ++i) {
        a.set(static_cast<std::size_t>(me), i);
        co_await b.arrive_and_wait();
        for (std::size_t place = 0; place < a.size(); ++place)
            if (a.get(place) != i) throw std::runtime_error("a phase has begun too early");
        co_await b.arrive_and_wait();
    }
}

inline void count_phase(shared_value<int> phases) { phases.fetch_add(1); }
inline void fail() { throw std::range_error("the action has failed"); }

inline task<void> drop_after(async_barrier b, int phases) {
    for (int i = 0; i < phases; ++i)
        co_await b.arrive_and_wait();
    b.drop();
}

inline task<bool> is_broken_for(async_barrier b) {
    try {
        co_await b.arrive_and_wait();
    } catch (const broken_barrier&) {
        co_return true;
    }
    co_return false;
}

/// All readers are inside at the same time.
inline task<void> read_together(async_shared_mutex m, async_barrier inside) {
    auto guard = co_await m.lock_shared();
    co_await inside.arrive_and_wait();
}

inline task<void> write_pairs(async_shared_mutex m, places pair, int times) {
    for (int i = 0; i < times; ++i) {
        auto guard = co_await m.lock();
        pair.increment(0);
        if (i % 8 == 0) co_await yield();
        pair.increment(1);
    }
}

inline task<void> read_pairs(async_shared_mutex m, places pair, int times) {
    for (int i = 0; i < times; ++i) {
        auto guard = co_await m.lock_shared();
        const int first = pair.get(0);
        if (i % 8 == 0) co_await yield();
        if (pair.get(1) != first) throw std::runtime_error("a reader and a writer at the same time");
    }
}

/// The classic bounded buffer: places [2, 6) of `a`; place 0: items put, place 1: items taken.
inline task<void> put_items(async_mutex m, async_condition_variable not_full, async_condition_variable not_empty,
                            places a, int from, int to) {
    for (int i = from; i < to; ++i) {
        auto guard = co_await m.lock();
        co_await not_full.wait(guard, [&] { return a.get(0) - a.get(1) < 4; });
        a.set(static_cast<std::size_t>(2 + a.get(0) % 4), i);
        a.increment(0);
        not_empty.notify_one();
    }
}

inline task<int> take_items(async_mutex m, async_condition_variable not_full, async_condition_variable not_empty,
                            places a, int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        auto guard = co_await m.lock();
        while (a.get(0) == a.get(1))
            co_await not_empty.wait(guard);
        sum += a.get(static_cast<std::size_t>(2 + a.get(1) % 4));
        a.increment(1);
        not_full.notify_one();
    }
    co_return sum;
}

/// Place 0: waiters, place 1: those that were notified.
inline task<void> wait_once(async_mutex m, async_condition_variable cv, places a) {
    auto guard = co_await m.lock();
    a.increment(0);
    co_await cv.wait(guard);
    if (!guard.owns_lock()) throw std::runtime_error("the lock was not taken again");
    a.increment(1);
}

/// Waits until place `which` is `count`, which it must not exceed.
inline task<void> reaches(async_mutex m, places seen, std::size_t which, int count) {
    for (;;) {
        {
            auto guard = co_await m.lock();
            if (seen.get(which) > count) throw std::runtime_error("a notification released too many waiters");
            if (seen.get(which) == count) co_return;
        }
        co_await sleep_for(1ms);
    }
}

/// Notifies five that `wait_once`: one by one, two, and all that are left.
inline task<int> notify_five(async_mutex m, async_condition_variable cv, places seen) {
    co_await reaches(m, seen, 0, 5);
    for (int i = 1; i <= 2; ++i) {
        cv.notify_one();
        co_await reaches(m, seen, 1, i);
    }
    cv.notify(2);
    co_await reaches(m, seen, 1, 4);
    cv.notify_all();
    cv.notify_all();
    co_await reaches(m, seen, 1, 5);
    co_return 0;
}

inline task<std::size_t> select_one(async_event event, async_latch latch, async_shared_mutex mutex,
                                    shared_value<int> value) {
    const auto got = co_await select(event.wait(), latch.wait(), mutex.lock_shared(), value.wait(0), after(20s));
    co_return got.index();
}

inline task<std::size_t> select_lock(async_shared_mutex mutex) {
    const auto got = co_await select(mutex.lock(), after(5ms));
    co_return got.index();
}

/// Takes the turns of one parity.
inline task<void> alternate(shared_value<int> turn, int parity, int until) {
    for (int now = turn.load(); now < until; now = turn.load()) {
        if (now % 2 == parity) {
            turn.fetch_add(1);
            turn.notify_one();
        } else {
            co_await turn.wait(now);
        }
    }
}

template <class Wait>
task<bool> ends_by_shutdown(Wait wait) {
    try {
        (void)co_await timeout(20s, std::move(wait));
    } catch (const executor_stopped&) {
        co_return true;
    } catch (const timed_out&) {
    }
    co_return false;
}

inline task<int> shut_down(executor ex) {
    co_await yield();
    co_await ex.shutdown();
    co_return 0;
}

}  // namespace lock_tasks

}  // namespace cadre::conformance
