// Spinning before a sleep goes on while it pays.
#include "scheduler/adaptive_spin.hpp"

#include <gtest/gtest.h>

namespace {

using cadre::detail::adaptive_spin;
using namespace std::chrono_literals;

TEST(adaptive_spin, a_short_sleep_turns_it_on) {
    adaptive_spin spin(30us, 100us);
    EXPECT_EQ(spin.budget(), 0ns);
    spin.record_sleep(200us);
    EXPECT_EQ(spin.budget(), 0ns);
    spin.record_sleep(20us);
    EXPECT_EQ(spin.budget(), 30us);
}

TEST(adaptive_spin, two_misses_in_a_row_turn_it_off) {
    adaptive_spin spin(30us, 100us);
    spin.record_sleep(20us);
    spin.record_spin(false);
    EXPECT_EQ(spin.budget(), 30us);
    spin.record_spin(true);
    spin.record_spin(false);
    EXPECT_EQ(spin.budget(), 30us);
    spin.record_spin(false);
    EXPECT_EQ(spin.budget(), 0ns);
}

}  // namespace
