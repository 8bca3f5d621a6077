// The semaphore of the state plane as a model, in every interleaving, with a death at every step.

#include <gtest/gtest.h>

#include <cadre/detail/base/sanitizers.hpp>

#include "models/explore.hpp"
#include "models/semaphore_model.hpp"

namespace {

using model = models::semaphore_model;

void expect_sound(const model& m) {
    const auto f = models::explore(m);
    EXPECT_EQ(f.violation, "");
    EXPECT_TRUE(f.complete);
    EXPECT_GT(f.ends, 0u);
    ::testing::Test::RecordProperty("states", static_cast<int>(f.states));
}

TEST(semaphore_model, two_processes_and_one_permit) { expect_sound({.processes = 2, .rounds = 2, .permits = 1}); }

TEST(semaphore_model, two_processes_and_two_permits) { expect_sound({.processes = 2, .rounds = 2, .permits = 2}); }

TEST(semaphore_model, several_permits_at_once) {
    expect_sound({.processes = 2, .rounds = 2, .permits = 2, .amount = 2});
    expect_sound({.processes = 2, .rounds = 2, .permits = 3, .amount = 2});
}

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)  // the model has no memory or thread of its own to check
TEST(semaphore_model, two_processes_often) { expect_sound({.processes = 2, .rounds = 3, .permits = 1}); }

TEST(semaphore_model, three_processes_and_one_permit) { expect_sound({.processes = 3, .rounds = 1, .permits = 1}); }
#endif

// The number of a note recurs after as many operations of one process during one help; with 22 bits that does not occur.
TEST(semaphore_model_fails, with_numbers_that_recur_too_soon) {
    const auto f = models::explore(model{.processes = 2, .rounds = 3, .numbers = 2});
    EXPECT_NE(f.violation, "");
}

}  // namespace
