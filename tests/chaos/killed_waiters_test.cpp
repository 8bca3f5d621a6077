// Workers are killed while their tasks wait for each other: the others continue, or get an error.

#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/shared_value.hpp>

#include "chaos/kill_rounds.hpp"

namespace {

using namespace cadre;
using namespace cadre::chaos_tests;

constexpr std::size_t tasks = 6;

// --- async_condition_variable ----------------------------------------------------------------------------------------

constexpr std::size_t producers = 3;
constexpr std::uint64_t items = 300;

/// Under the lock: a[0]: produced, a[1]: taken, a[2]: whether there will be no more.
task<void> produce(async_mutex m, async_condition_variable cv, numbers a, numbers done, std::size_t me) {
    for (std::uint64_t i = 0; i != items; ++i) {
        {
            const auto guard = co_await m.lock();
            a[0] = a[0] + 1;
            cv.notify_one();
        }
        done.atomic(me).fetch_add(1);
    }
}
task<void> take(async_mutex m, async_condition_variable cv, numbers a) {
    auto guard = co_await m.lock();
    for (;;) {
        co_await cv.wait(guard, [&] { return a[0] != a[1] || a[2] != 0; });
        if (a[0] == a[1]) co_return;
        a[1] = a[1] + 1;
    }
}

task<bool> notified_within(std::chrono::milliseconds limit, const async_condition_variable& cv,
                           async_mutex::guard& guard) {
    try {
        co_await timeout(limit, cv.wait(guard));
    } catch (const timed_out&) {
        co_return false;
    }
    co_return true;
}

TEST_F(kill_rounds, async_condition_variable) {
    play([](kill_round& r) -> task<void> {
        const async_mutex m{r.ex};
        const async_condition_variable cv{r.ex};
        const numbers a{r.ex, 3};
        const numbers done{r.ex, producers};
        for (std::size_t i = 0; i != producers; ++i) {
            r.start(take, m, cv, a);
            r.start(produce, m, cv, a, done, i);
        }
        co_await r.strike();
        for (std::size_t i = 0; i != producers; ++i)
            co_await r.finish(2 * i + 1, 2 * i + 2);
        {
            const auto guard = co_await timeout(within_a_second, m.lock());
            a[2] = 1;
            cv.notify_all();
        }
        co_await r.finish();
        std::uint64_t produced = 0;
        std::size_t consumers_died = 0;
        for (std::size_t i = 0; i != producers; ++i) {
            produced += done[i];
            consumers_died += r.died(2 * i) ? 1 : 0;
        }
        EXPECT_GE(a[0], produced);
        EXPECT_LE(a[0], produced + r.deaths() - consumers_died);
        if (consumers_died < producers) {
            EXPECT_EQ(a[1], a[0]);
        }
        // A waiter may get what the dead have not taken, once for each of them, and waits then.
        auto guard = co_await timeout(within_a_second, m.lock());
        std::size_t notified = 0;
        while (co_await notified_within(1ms, cv, guard) && notified <= tasks)
            ++notified;
        EXPECT_LE(notified, consumers_died);
    });
}

// --- async_event -----------------------------------------------------------------------------------------------------

task<void> await_pulses(async_event e, numbers over) {
    while (over.atomic(0).load() == 0) {
        co_await e.wait();
        co_await yield();
    }
}
task<void> pulse(async_event e) {
    for (int i = 0; i != 300; ++i) {
        e.set();
        if (i % 3 == 0) co_await yield();
        e.reset();
    }
}

TEST_F(kill_rounds, async_event) {
    play([](kill_round& r) -> task<void> {
        const async_event e{r.ex};
        const numbers over{r.ex, 1};
        for (std::size_t i = 0; i != tasks; ++i)
            if (i < 2)
                r.start(pulse, e);
            else
                r.start(await_pulses, e, over);
        co_await r.strike();
        co_await r.finish(0, 2);
        over.atomic(0).store(1);
        e.set();
        co_await timeout(within_a_second, r.finish());
        EXPECT_TRUE(e.is_set());
        e.reset();
        EXPECT_THROW(co_await timeout(1ms, e.wait()), timed_out);
    });
}

// --- async_latch -----------------------------------------------------------------------------------------------------

/// What tasks have noted: that they are about to count down, that they have, that they passed.
struct latch_notes {
    numbers before;
    numbers counted;
    numbers passed;
    numbers early;  ///< [0]: how often somebody passed too early; [1]: the dead are counted for
};

task<void> count_and_wait(async_latch l, latch_notes notes, std::size_t me) {
    for (std::size_t i = 0; i != 5000 * (me + 1); ++i)
        co_await yield();
    notes.before.atomic(me).store(1);
    l.count_down();
    notes.counted.atomic(me).store(1);
    co_await l.wait();
    for (std::size_t i = 0; i != tasks; ++i)
        if (notes.before.atomic(i).load() == 0 && notes.early.atomic(1).load() == 0) notes.early.atomic(0).fetch_add(1);
    notes.passed.atomic(me).store(1);
}

TEST_F(kill_rounds, async_latch) {
    play([](kill_round& r) -> task<void> {
        const async_latch l{r.ex, tasks};
        const latch_notes notes{numbers{r.ex, tasks}, numbers{r.ex, tasks}, numbers{r.ex, tasks}, numbers{r.ex, 2}};
        for (std::size_t i = 0; i != tasks; ++i)
            r.start(count_and_wait, l, notes, i);
        co_await r.strike();
        for (bool settled = false; !settled;) {
            co_await r.look();
            settled = true;
            for (std::size_t i = 0; i != tasks; ++i)
                settled = settled && (r.ended(i) || notes.counted.atomic(i).load() != 0);
            if (!settled) co_await sleep_for(100us);
        }
        const std::uint64_t missing = l.count();
        if (missing != 0) notes.early.atomic(1).store(1);
        l.count_down(missing);
        co_await timeout(within_a_second, l.wait());
        co_await timeout(within_a_second, r.finish());
        EXPECT_EQ(notes.early[0], 0U);
        EXPECT_LE(missing, r.deaths());
        for (std::size_t i = 0; i != tasks; ++i)
            EXPECT_TRUE(r.died(i) || notes.passed[i] == 1);
    });
}

// --- async_barrier ---------------------------------------------------------------------------------------------------

task<void> pass_phases(async_barrier b, numbers arrived, std::size_t me) {
    try {
        for (std::uint64_t phase = 1; phase <= 300; ++phase) {
            arrived.atomic(me).store(phase);
            co_await b.arrive_and_wait();
            for (std::size_t i = 0; i != tasks; ++i)
                if (arrived.atomic(i).load() < phase) arrived.atomic(tasks).fetch_add(1);
        }
    } catch (const broken_barrier&) {
    }
}

TEST_F(kill_rounds, async_barrier) {
    play([](kill_round& r) -> task<void> {
        const async_barrier b{r.ex, tasks};
        const numbers arrived{r.ex, tasks + 1};  // the last: how often somebody passed too early
        for (std::size_t i = 0; i != tasks; ++i)
            r.start(pass_phases, b, arrived, i);
        co_await r.strike();
        for (;;) {
            const bool all = co_await r.look();
            if (all || r.deaths() != 0) break;
            co_await sleep_for(100us);
        }
        if (r.deaths() != 0) b.abort();
        co_await timeout(within_a_second, r.finish());
        EXPECT_EQ(arrived[tasks], 0U);
        for (std::size_t i = 0; i != tasks; ++i)
            EXPECT_TRUE(r.deaths() != 0 || arrived[i] == 300);
    });
}

// --- the wait of a shared_value --------------------------------------------------------------------------------------

/// Waits for its turn, and passes it on.
task<void> take_turns(shared_value<std::uint64_t> turn, std::uint64_t me) {
    for (int i = 0; i != 300; ++i) {
        for (std::uint64_t now = turn.load(); now % tasks != me && now < 1'000'000; now = turn.load())
            co_await turn.wait(now);
        if (turn.load() >= 1'000'000) co_return;
        turn.fetch_add(1);
        turn.notify_all();
    }
}

TEST_F(kill_rounds, shared_value_wait) {
    play([](kill_round& r) -> task<void> {
        const shared_value<std::uint64_t> turn{r.ex, 0};
        for (std::uint64_t i = 0; i != tasks; ++i)
            r.start(take_turns, turn, i);
        co_await r.strike();
        for (;;) {
            const bool all = co_await r.look();
            if (all || r.deaths() != 0) break;
            co_await sleep_for(100us);
        }
        EXPECT_TRUE(r.deaths() != 0 || turn.load() == 300 * tasks);
        turn.fetch_add(1'000'000);
        turn.notify_all();
        co_await timeout(within_a_second, r.finish());
    });
}

}  // namespace
