/// @file
/// Conformance: maps of coroutine functions. Include `conformance.hpp`.
#pragma once

#include <algorithm>
#include <ranges>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/map.hpp>
#include <cadre/sleep.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace work {

/// Items below `first` do not wait, so they run in chunks; each of the others waits until all of these wait.
inline task<int> wait_behind_others(channel<int> arrivals, channel<int> gate, int first, int x) {
    if (x >= first) {
        co_await arrivals.send(x);
        (void)co_await gate.receive();
    }
    co_return x;
}
/// Some items wait, and some fail.
inline task<int> wait_or_fail(int x) {
    if (x % 13 == 0) co_await yield();
    if (x % 101 == 0) throw std::out_of_range(std::to_string(x));
    co_return x;
}
}  // namespace work

namespace bodies {

inline task<> open_when_all_wait(channel<int> arrivals, channel<int> gate, int count) {
    for (int i = 0; i < count; ++i)
        (void)co_await arrivals.receive();
    for (int i = 0; i < count; ++i)
        co_await gate.send(i);
}
inline task<> expect_all_items(executor ex, channel<int> arrivals, channel<int> gate, int first, int count) {
    const auto results =
        co_await map(ex, bind_portable(work::wait_behind_others, arrivals, gate, first), std::views::iota(0, count));
    EXPECT_TRUE(std::ranges::equal(results, std::views::iota(0, count)));
}

inline task<> tasks_that_wait_in_a_map_wait_together(executor ex) {
    constexpr int first = 3000;
    constexpr int waiting = 100;
    channel<int> arrivals{ex, waiting};
    channel<int> gate{ex, waiting};
    (void)co_await when_all(expect_all_items(ex, arrivals, gate, first, first + waiting),
                            open_when_all_wait(arrivals, gate, waiting));
}

inline task<> each_task_of_a_map_ends_once(executor ex) {
    const auto outcomes = co_await map_outcomes(ex, work::wait_or_fail, std::views::iota(1, 5001));
    EXPECT_EQ(outcomes.size(), 5000u);
    for (int x = 1; const auto& o : outcomes) {
        EXPECT_EQ(o.has_value(), x % 101 != 0) << x << ": " << o.what();
        if (o.has_value()) {
            EXPECT_EQ(*o, x);
        }
        ++x;
    }
    const auto failed = co_await as_outcome(map(ex, work::wait_or_fail, std::views::iota(1, 5001)));
    EXPECT_NE(failed.what().find("101"), std::string::npos) << failed.what();
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, tasks_that_wait_in_a_map_wait_together) {
    this->run(bodies::tasks_that_wait_in_a_map_wait_together);
}
TYPED_TEST_P(executor_conformance, each_task_of_a_map_ends_once) { this->run(bodies::each_task_of_a_map_ends_once); }

}  // namespace cadre::conformance
