#include "scheduler/clock_step.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using cadre::detail::choose_step;
using cadre::detail::clock_snapshot;
using cadre::detail::clock_step;

TEST(clock_step, ready_work_comes_before_any_clock) {
    EXPECT_EQ(choose_step({.ready = true, .waits = true, .virtual_time = 1s}), clock_step::run);
    EXPECT_EQ(choose_step({.ready = true, .elsewhere = true}), clock_step::run);
}

TEST(clock_step, a_virtual_clock_moves_to_its_next_timer_if_nothing_else_can_happen) {
    EXPECT_EQ(choose_step({.waits = true, .virtual_time = 1h}), clock_step::advance);
    EXPECT_EQ(choose_step({.virtual_time = 0s}), clock_step::advance) << "a timer without a task";
}

TEST(clock_step, a_virtual_clock_follows_real_time_while_something_else_can_happen) {
    EXPECT_EQ(choose_step({.elsewhere = true, .waits = true, .virtual_time = 1h}), clock_step::follow);
    EXPECT_EQ(choose_step({.waits = true, .real = 1s, .virtual_time = 1h}), clock_step::follow);
}

TEST(clock_step, a_real_timer_that_is_not_earlier_does_not_hold_a_virtual_clock_back) {
    EXPECT_EQ(choose_step({.waits = true, .real = 1h, .virtual_time = 1s}), clock_step::advance);
    EXPECT_EQ(choose_step({.waits = true, .real = 1s, .virtual_time = 1s}), clock_step::advance);
}

TEST(clock_step, a_deadlock_is_a_wait_that_nothing_can_end) {
    EXPECT_EQ(choose_step({.waits = true}), clock_step::deadlock);
    EXPECT_EQ(choose_step({.elsewhere = true, .waits = true}), clock_step::sleep);
    EXPECT_EQ(choose_step({.waits = true, .real = 1h}), clock_step::sleep);
    EXPECT_EQ(choose_step({}), clock_step::sleep) << "no task waits";
}

}  // namespace
