// How idle workers park and are woken: a model under weak memory, in every interleaving; and broken variants, which it
// detects.

#include <gtest/gtest.h>

#include <cadre/detail/base/sanitizers.hpp>

#include "models/expect_sound.hpp"
#include "models/sleep_wake_model.hpp"

namespace {

using model = models::sleep_wake_model;
using models::explore;

class sleep_wake_model : public ::testing::TestWithParam<model::fences> {
protected:
    static void expect_sound(model m) {
        m.kind = GetParam();
        models::expect_sound(m);
    }
};

TEST_P(sleep_wake_model, forks_and_one_sleeper) { expect_sound({.forks = 2, .submits = 0, .idle = 1}); }

TEST_P(sleep_wake_model, submissions_and_one_sleeper) { expect_sound({.forks = 0, .submits = 2, .idle = 1}); }

TEST_P(sleep_wake_model, a_fork_a_submission_and_one_sleeper) { expect_sound({.forks = 1, .submits = 1, .idle = 1}); }

TEST_P(sleep_wake_model, a_fork_and_two_sleepers) { expect_sound({.forks = 1, .submits = 0, .idle = 2}); }

TEST_P(sleep_wake_model, a_submission_and_two_sleepers) { expect_sound({.forks = 0, .submits = 1, .idle = 2}); }

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)  // the model allocates nothing and starts no thread
TEST_P(sleep_wake_model, two_forks_a_submission_and_one_sleeper) {
    expect_sound({.forks = 2, .submits = 1, .idle = 1});
}

TEST_P(sleep_wake_model, two_submissions_and_two_sleepers) { expect_sound({.forks = 0, .submits = 2, .idle = 2}); }
#endif

INSTANTIATE_TEST_SUITE_P(fences, sleep_wake_model,
                         ::testing::Values(model::fences::asymmetric, model::fences::symmetric), [](const auto& kind) {
                             return kind.param == model::fences::asymmetric ? "asymmetric" : "symmetric";
                         });

TEST(sleep_wake_model_fails, without_a_fence_on_both_sides) {
    for (const auto kind : {model::fences::none, model::fences::publish_only, model::fences::sleep_only}) {
        const auto fork = explore(model{.forks = 1, .submits = 0, .idle = 1, .kind = kind});
        EXPECT_EQ(fork.violation, "a state from which there is no end");
        const auto submission = explore(model{.forks = 0, .submits = 1, .idle = 1, .kind = kind});
        EXPECT_EQ(submission.violation, "a state from which there is no end");
    }
}

TEST(sleep_wake_model_fails, without_a_second_poll) {
    const auto f = explore(model{.forks = 1, .submits = 0, .idle = 1, .polls_again = false});
    EXPECT_EQ(f.violation, "a state from which there is no end");
}

}  // namespace
