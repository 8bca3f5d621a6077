// The mutex that unlocks with a plain store: a model under weak memory, in every interleaving; and broken variants,
// which it detects.

#include <gtest/gtest.h>

#include "models/expect_sound.hpp"
#include "models/spin_mutex_model.hpp"

namespace {

using model = models::spin_mutex_model;
using models::explore;

constexpr auto no_end = "a state from which there is no end";

class spin_mutex_model : public ::testing::TestWithParam<model::fences> {};

TEST_P(spin_mutex_model, two_threads) { models::expect_sound(model{.rounds = {2, 2, 0}, .kind = GetParam()}); }

TEST_P(spin_mutex_model, three_threads) { models::expect_sound(model{.rounds = {1, 1, 1}, .kind = GetParam()}); }

INSTANTIATE_TEST_SUITE_P(fences, spin_mutex_model,
                         ::testing::Values(model::fences::asymmetric, model::fences::symmetric), [](const auto& kind) {
                             return kind.param == model::fences::asymmetric ? "asymmetric" : "symmetric";
                         });

TEST(spin_mutex_model_fails, without_a_fence_on_both_sides) {
    for (const auto kind : {model::fences::none, model::fences::unlock_only, model::fences::sleep_only}) {
        const auto found = explore(model{.rounds = {1, 1, 0}, .kind = kind});
        EXPECT_EQ(found.violation, no_end);
    }
}

// The owner may free the lock, wake nobody and lock again before the acquirer sleeps.
TEST(spin_mutex_model_fails, if_the_lock_is_the_futex) {
    const auto found = explore(model{.rounds = {2, 1, 0}, .waits_on_lock = true});
    EXPECT_EQ(found.violation, no_end);
}

TEST(spin_mutex_model_fails, if_an_acquirer_that_has_slept_forgets_the_others) {
    const auto found = explore(model{.rounds = {1, 1, 1}, .leaves_sleepers = false});
    EXPECT_EQ(found.violation, no_end);
}

}  // namespace
