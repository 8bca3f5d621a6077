// When a thread stops to yield its core because other processes want it.

#include "mpi/core_yield.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using cadre::detail::mpi::core_yield;
using time_point = core_yield::clock::time_point;

constexpr time_point begin{1h};

// How long the core counts as crowded after a yield that takes `cost`.
core_yield::clock::duration pause_after(core_yield& yield, time_point when, core_yield::clock::duration cost) {
    yield.record(when, when + cost);
    core_yield::clock::duration pause{0};
    while (yield.crowded(when + cost + pause))
        pause += 1ms;
    return pause;
}

TEST(CoreYield, a_quick_yield_changes_nothing) {
    core_yield yield;
    EXPECT_FALSE(yield.crowded(begin));
    EXPECT_EQ(pause_after(yield, begin, 50us), 0ms);
}

TEST(CoreYield, a_costly_yield_makes_the_core_crowded_for_a_moment) {
    core_yield yield;
    EXPECT_EQ(pause_after(yield, begin, 3ms), 10ms);
}

TEST(CoreYield, the_moment_doubles_while_every_yield_is_costly) {
    core_yield yield;
    time_point now = begin;
    for (const auto expected : {10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 640ms}) {
        EXPECT_EQ(pause_after(yield, now, 3ms), expected);
        now += 3ms + expected + 1ms;
    }
    // After a long time without one it is short again.
    EXPECT_EQ(pause_after(yield, now + 2s, 3ms), 10ms);
}

}  // namespace
