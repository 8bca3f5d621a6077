// Workers are killed while their tasks hold and await locks: those that live exclude each other, get every lock, and
// learn of the death; what was counted under a lock is right.

#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/shared_value.hpp>

#include <numeric>

#include "chaos/kill_rounds.hpp"

namespace {

using namespace cadre;
using namespace cadre::chaos_tests;

constexpr std::size_t tasks = 6;
constexpr int times = 6000;

// s[0]: a task is inside. s[1]: how often a task was inside. s[2]: how often two were.
void be_inside(const numbers& s, bool owner_died) {
    if (owner_died) s.atomic(0).store(0);
    if (s.atomic(0).exchange(1) != 0) s.atomic(2).fetch_add(1);
    s[1] = s[1] + 1;
}

std::uint64_t sum(const numbers& of) { return std::accumulate(of.begin(), of.end(), std::uint64_t{0}); }

// --- async_mutex -----------------------------------------------------------------------------------------------------

task<void> use_mutex(async_mutex m, numbers s, numbers done, std::size_t me) {
    for (int i = 0; i != times; ++i) {
        {
            auto guard = co_await m.lock();
            be_inside(s, guard.owner_died());
            if (i % 8 == 0) co_await yield();
            s.atomic(0).store(0);
        }
        done.atomic(me).fetch_add(1);
    }
}

TEST_F(kill_rounds, async_mutex) {
    play([](kill_round& r) -> task<void> {
        const async_mutex m{r.ex};
        const numbers s{r.ex, 3};
        const numbers done{r.ex, tasks};
        for (std::size_t i = 0; i != tasks; ++i)
            r.start(use_mutex, m, s, done, i);
        co_await r.strike();
        co_await r.finish();
        const auto guard = co_await timeout(within_a_second, m.lock());
        EXPECT_EQ(s[2], 0U);
        EXPECT_TRUE(s[0] == 0 || guard.owner_died());
        EXPECT_GE(s[1], sum(done));
        EXPECT_LE(s[1], sum(done) + r.deaths());
    });
}

// --- the lock of a shared_value --------------------------------------------------------------------------------------

task<void> use_value(shared_value<std::uint64_t> v, numbers s, numbers done, std::size_t me) {
    for (int i = 0; i != times; ++i) {
        if (i % 2 == 0) {
            co_await v.update([](std::uint64_t x) { return x + 1; });
        } else {
            auto guard = co_await v.lock();
            be_inside(s, guard.owner_died());
            if (i % 8 == 1) co_await yield();
            *guard += 1;
            s.atomic(0).store(0);
        }
        done.atomic(me).fetch_add(1);
    }
}

TEST_F(kill_rounds, shared_value) {
    play([](kill_round& r) -> task<void> {
        const shared_value<std::uint64_t> v{r.ex, 0};
        const numbers s{r.ex, 3};
        const numbers done{r.ex, tasks};
        for (std::size_t i = 0; i != tasks; ++i)
            r.start(use_value, v, s, done, i);
        co_await r.strike();
        co_await r.finish();
        auto guard = co_await timeout(within_a_second, v.lock());
        EXPECT_EQ(s[2], 0U);
        EXPECT_GE(*guard, sum(done));
        EXPECT_LE(*guard, sum(done) + r.deaths());
    });
}

// --- async_semaphore -------------------------------------------------------------------------------------------------

constexpr std::uint32_t permits = 2;

task<void> use_semaphore(async_semaphore semaphore, insiders in, numbers wrong, std::size_t me) {
    in.begin(me);
    for (int i = 0; i != times; ++i) {
        const auto permit = co_await semaphore.acquire();
        in.enter(me);
        if (in.count(0, tasks) > permits) wrong.atomic(0).fetch_add(1);
        if (i % 4 == 0) co_await yield();
        in.leave(me);
    }
}

TEST_F(kill_rounds, async_semaphore) {
    play([](kill_round& r) -> task<void> {
        const async_semaphore semaphore{r.ex, permits};
        const insiders in{numbers{r.ex, 2 * tasks}, r.victim};
        const numbers wrong{r.ex, 1};
        for (std::size_t i = 0; i != tasks; ++i)
            r.start(use_semaphore, semaphore, in, wrong, i);
        co_await r.strike();
        co_await r.finish();
        {
            const auto all = co_await timeout(within_a_second, semaphore.acquire(permits));
            EXPECT_EQ(semaphore.available(), 0U);
        }
        EXPECT_EQ(semaphore.available(), permits);
        EXPECT_EQ(wrong[0], 0U);
    });
}

// --- async_shared_mutex ----------------------------------------------------------------------------------------------

constexpr std::size_t writers = 2;  // the first tasks

task<void> write(async_shared_mutex m, insiders in, numbers s, numbers done, std::size_t me) {
    for (int i = 0; i != times / 2; ++i) {
        {
            auto guard = co_await m.lock();
            be_inside(s, guard.owner_died());
            if (in.count(writers, tasks) != 0) s.atomic(2).fetch_add(1);
            if (i % 8 == 0) co_await yield();
            s.atomic(0).store(0);
        }
        done.atomic(me).fetch_add(1);
    }
}
task<void> read(async_shared_mutex m, insiders in, numbers s, std::size_t me) {
    in.begin(me);
    for (int i = 0; i != times; ++i) {
        const auto guard = co_await m.lock_shared();
        in.enter(me);
        if (!guard.owner_died() && s.atomic(0).load() != 0) s.atomic(2).fetch_add(1);
        if (i % 4 == 0) co_await yield();
        in.leave(me);
    }
}

TEST_F(kill_rounds, async_shared_mutex) {
    play([](kill_round& r) -> task<void> {
        const async_shared_mutex m{r.ex};
        const insiders in{numbers{r.ex, 2 * tasks}, r.victim};
        const numbers s{r.ex, 3};
        const numbers done{r.ex, writers};
        for (std::size_t i = 0; i != writers; ++i)
            r.start(write, m, in, s, done, i);
        for (std::size_t i = writers; i != tasks; ++i)
            r.start(read, m, in, s, i);
        co_await r.strike();
        co_await r.finish();
        {
            const auto guard = co_await timeout(within_a_second, m.lock_shared());
            EXPECT_TRUE(s[0] == 0 || guard.owner_died());
        }
        const auto guard = co_await timeout(within_a_second, m.lock());
        EXPECT_TRUE(s[0] == 0 || guard.owner_died());
        EXPECT_EQ(s[2], 0U);
        EXPECT_GE(s[1], sum(done));
        EXPECT_LE(s[1], sum(done) + r.deaths(0, writers));
    });
}

}  // namespace
