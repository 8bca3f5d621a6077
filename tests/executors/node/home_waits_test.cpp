// Events, latches and barriers of an executor of several hosts, over a simulated engine with worker processes.

#include "executors/node/process_hosts.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace {

using namespace std::chrono_literals;
using cadre::async_barrier;
using cadre::async_event;
using cadre::async_latch;
using cadre::channel;
using cadre::executor;
using cadre::on;
using cadre::shared_value;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;
using cadre::when_all;

using simulated::soon;

class HomeWaits : public simulated::process_hosts_test {};
INSTANTIATE_TEST_SUITE_P(redelivering_and_local, HomeWaits, simulated::redelivering_and_local());

task<int> wait_for_start(async_event start, async_latch ready, async_latch done, shared_value<int> started) {
    ready.count_down();
    co_await start.wait();
    started.fetch_add(1);
    co_await done.arrive_and_wait();
    co_return started.load();
}

TEST_P(HomeWaits, events_and_latches_join_all_hosts) {
    const async_event start{ex};
    const async_latch ready{ex, 3};
    const async_latch done{ex, 3};
    const shared_value<int> started{ex, 0};
    sync_wait(
        timeout(soon, [](executor e, async_event go, async_latch r, async_latch d, shared_value<int> n) -> task<void> {
            auto set = [](async_event event, async_latch all, shared_value<int> none) -> task<int> {
                co_await all.wait();
                EXPECT_EQ(none.load(), 0);
                event.set();
                co_return 0;
            };
            auto [a, b, c, _] =
                co_await when_all(on(e, wait_for_start, go, r, d, n), on(e, wait_for_start, go, r, d, n),
                                  wait_for_start(go, r, d, n), set(go, r, n));
            EXPECT_EQ(a, 3);
            EXPECT_EQ(b, 3);
            EXPECT_EQ(c, 3);
        }(ex, start, ready, done, started)));
    EXPECT_TRUE(start.is_set());
    EXPECT_EQ(done.count(), 0u);
}

task<std::string> use_event_and_latch(async_event event, async_latch latch) {
    if (event.is_set()) co_return "a new event";
    event.set();
    if (!event.is_set()) co_return "set";
    co_await event.wait();
    event.reset();
    if (event.is_set()) co_return "reset";
    if (latch.count() != 2 || latch.try_wait()) co_return "a new latch";
    try {
        latch.count_down(3);
        co_return "below zero";
    } catch (const std::underflow_error&) {
    }
    try {
        co_await latch.arrive_and_wait(3);
        co_return "arrived below zero";
    } catch (const std::underflow_error&) {
    }
    latch.count_down();
    co_await latch.arrive_and_wait();
    auto chosen = co_await cadre::select(event.wait(), latch.wait());
    co_return latch.try_wait() && chosen.index() == 1 ? "" : "an open latch";
}

TEST_P(HomeWaits, operations_that_do_not_wait_work_in_workers) {
    const async_event event{ex};
    const async_latch latch{ex, 2};
    EXPECT_EQ(sync_wait(timeout(soon, on(ex, use_event_and_latch, event, latch))), "");
}

task<void> set_and_reset(async_event event, async_latch waiting) {
    co_await waiting.wait();
    event.set();
    event.reset();
}

task<int> select_a_set(async_event event, channel<int> never, async_latch waiting) {
    auto announce = [](async_latch l) -> task<int> {
        co_await cadre::sleep_for(2ms);
        l.count_down();
        co_return 0;
    };
    auto choose = [](async_event e, channel<int> c) -> task<int> {
        auto chosen = co_await cadre::select(c.receive(), e.wait());
        co_return static_cast<int>(chosen.index());
    };
    auto [index, _] = co_await when_all(choose(event, never), announce(waiting));
    co_return index;
}

TEST_P(HomeWaits, a_select_waits_for_an_event) {
    const async_event event{ex};
    const async_latch waiting{ex, 1};
    const channel<int> never{ex, 1};
    const int index =
        sync_wait(timeout(soon, [](executor e, async_event ev, async_latch l, channel<int> c) -> task<int> {
            auto set = [](async_event at_last, async_latch before) -> task<int> {
                co_await set_and_reset(at_last, before);
                at_last.set();
                co_return 0;
            };
            auto [chosen, _] = co_await when_all(on(e, select_a_set, ev, c, l), set(ev, l));
            co_return chosen;
        }(ex, event, waiting, never)));
    EXPECT_EQ(index, 1);
}

void note_phase(shared_value<int> phases) { phases.fetch_add(1); }

task<std::string> take_steps(async_barrier step, shared_value<int> arrived, int participants, int phases) {
    for (int phase = 1; phase <= phases; ++phase) {
        arrived.fetch_add(1);
        co_await step.arrive_and_wait();
        if (arrived.load() < phase * participants) co_return "ahead of the others";
    }
    step.drop();
    co_return "";
}

TEST_P(HomeWaits, a_barrier_joins_all_hosts) {
    const shared_value<int> phases{ex, 0};
    const shared_value<int> arrived{ex, 0};
    const async_barrier step{ex, 3, cadre::bind_portable(note_phase, phases)};
    sync_wait(timeout(soon, [](executor e, async_barrier b, shared_value<int> n) -> task<void> {
        auto [x, y, z] =
            co_await when_all(on(e, take_steps, b, n, 3, 10), on(e, take_steps, b, n, 3, 10), take_steps(b, n, 3, 10));
        EXPECT_EQ(x + y + z, "");
    }(ex, step, arrived)));
    EXPECT_EQ(phases.load(), 11) << "the last phase ends with the last drop";
    EXPECT_EQ(step.participants(), 0u);
}

void fail() { throw std::runtime_error("the action"); }

task<std::string> stop_and_break(async_barrier step, async_barrier failing) {
    try {
        co_await timeout(10ms, step.arrive_and_wait());
        co_return "not stopped";
    } catch (const cadre::timed_out&) {
    }
    if (step.arrived() != 0) co_return "the arrival is not taken back";
    const auto token = step.arrive();
    try {
        co_await timeout(10ms, step.wait(token));
        co_return "ended";
    } catch (const cadre::timed_out&) {
    }
    if (step.arrived() != 1) co_return "the arrival is taken back";
    try {
        co_await failing.arrive_and_wait();
        co_return "no failure";
    } catch (const std::runtime_error&) {
    }
    if (!failing.broken()) co_return "not broken";
    try {
        co_await failing.arrive_and_wait();
        co_return "arrived at a broken barrier";
    } catch (const cadre::broken_barrier&) {
    }
    step.abort();
    try {
        co_await step.wait(token);
        co_return "not aborted";
    } catch (const cadre::broken_barrier&) {
    }
    co_return "";
}

TEST_P(HomeWaits, a_barrier_is_stopped_and_broken_as_elsewhere) {
    const async_barrier step{ex, 2};
    const async_barrier failing{ex, 1, fail};
    EXPECT_EQ(sync_wait(timeout(soon, on(ex, stop_and_break, step, failing))), "");
    EXPECT_TRUE(step.broken());
}

task<void> arrive_and_die(async_barrier step, async_latch arrived) {
    auto die = [](async_latch l) -> task<int> {
        co_await l.wait();
        std::raise(SIGKILL);
        co_return 0;
    };
    auto arrive = [](async_barrier b) -> task<int> {
        co_await b.arrive_and_wait();
        co_return 0;
    };
    co_await when_all(arrive(step), die(arrived));
}

TEST_P(HomeWaits, who_has_arrived_and_dies_stays_arrived) {
    const async_barrier step{ex, 2};
    const async_latch arrived{ex, 1};
    const auto outcome = sync_wait([](executor e, async_barrier b, async_latch l) -> task<bool> {
        auto watch = [](async_barrier watched, async_latch seen) -> task<int> {
            while (watched.arrived() == 0)
                co_await cadre::sleep_for(1ms);
            seen.count_down();
            co_return 0;
        };
        auto [died, _] = co_await when_all(cadre::as_outcome(on(e, arrive_and_die, b, l)), watch(b, l));
        co_return died.has_value();
    }(ex, step, arrived));
    EXPECT_FALSE(outcome);
    sync_wait(timeout(soon, step.arrive_and_wait()));
}

}  // namespace
