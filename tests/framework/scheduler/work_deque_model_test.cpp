// The work-stealing deque: a model under weak memory, in every interleaving; and broken variants, which it detects.

#include <gtest/gtest.h>

#include <cadre/detail/base/sanitizers.hpp>

#include "models/expect_sound.hpp"
#include "models/work_deque_model.hpp"

namespace {

using model = models::work_deque_model;

// Thieves succeed in some ends and not in others.
void expect_sound(const model& m) { models::expect_sound(m, 2); }

class work_deque_model : public ::testing::TestWithParam<model::fences> {};

TEST_P(work_deque_model, one_thief) { expect_sound({.script = "2p", .attempts = {3, 0}, .kind = GetParam()}); }

TEST_P(work_deque_model, pops_and_pushes_in_between) {
    expect_sound({.script = "2p2p2p", .attempts = {4, 0}, .kind = GetParam()});
}

TEST_P(work_deque_model, the_buffer_grows) {
    expect_sound({.script = "31p", .attempts = {4, 0}, .kind = GetParam()});
    expect_sound({.script = "12p1", .attempts = {4, 0}, .kind = GetParam()});
}

TEST_P(work_deque_model, the_owner_steals_too) {
    expect_sound({.script = "2s2p1", .attempts = {4, 0}, .kind = GetParam()});
}

TEST_P(work_deque_model, two_thieves) { expect_sound({.script = "2", .attempts = {1, 1}, .kind = GetParam()}); }

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)  // the model allocates nothing and starts no thread
TEST_P(work_deque_model, two_thieves_and_the_buffer_grows) {
    expect_sound({.script = "31p", .attempts = {1, 1}, .kind = GetParam()});
    expect_sound({.script = "2p2p", .attempts = {1, 1}, .kind = GetParam()});
}
#endif

// Items were stolen: the next pops of the owner are fenced, and thieves omit the membarrier.
TEST(fenced_work_deque_model, begins_to_fence) {
    expect_sound({.script = "2pf", .attempts = {3, 0}});
    expect_sound({.script = "2pf2p", .attempts = {3, 0}});
}

TEST(fenced_work_deque_model, stops_fencing) {
    expect_sound({.script = "f2pu", .attempts = {3, 0}});
    expect_sound({.script = "f2u2p", .attempts = {3, 0}});
    expect_sound({.script = "2fpup2", .attempts = {3, 0}});
}

TEST(fenced_work_deque_model, fences_again) { expect_sound({.script = "f2upfp", .attempts = {3, 0}}); }

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)
TEST(fenced_work_deque_model, two_thieves) {
    expect_sound({.script = "2fpu", .attempts = {1, 1}});
    expect_sound({.script = "f2up", .attempts = {1, 1}});
}
#endif

INSTANTIATE_TEST_SUITE_P(fences, work_deque_model,
                         ::testing::Values(model::fences::asymmetric, model::fences::symmetric), [](const auto& kind) {
                             return kind.param == model::fences::asymmetric ? "asymmetric" : "symmetric";
                         });

TEST(work_deque_model_fails, without_a_fence_on_both_sides) {
    for (const auto kind : {model::fences::none, model::fences::pop_only, model::fences::steal_only}) {
        const auto f = models::explore(model{.script = "2", .attempts = {2, 0}, .kind = kind});
        EXPECT_EQ(f.violation, "an item was taken twice");
    }
}

TEST(work_deque_model_fails, without_the_fences_between_fenced_and_unfenced_pops) {
    const model no_end{.script = "f2u", .attempts = {2, 0}, .end_fences = false};
    EXPECT_EQ(models::explore(no_end).violation, "an item was taken twice");
    const model no_thief{.script = "f2u", .attempts = {2, 0}, .thief_fences = false};
    EXPECT_EQ(models::explore(no_thief).violation, "an item was taken twice");
}

TEST(work_deque_model_fails, without_release_when_pops_begin_to_be_fenced) {
    const model m{.script = "2ppf", .attempts = {2, 0}, .begin_releases = false};
    EXPECT_NE(models::explore(m).violation, "");
}

TEST(work_deque_model_fails, without_release_in_push) {
    for (const auto kind : {model::fences::asymmetric, model::fences::symmetric}) {
        const auto f =
            models::explore(model{.script = "2p2", .attempts = {2, 0}, .kind = kind, .push_releases = false});
        EXPECT_NE(f.violation, "");
    }
}

TEST(work_deque_model_fails, without_release_in_pop) {
    const model asymmetric{.script = "2p2p", .attempts = {2, 0}, .pop_releases = false};
    EXPECT_EQ(models::explore(asymmetric).violation, "an item was taken twice");
    const model symmetric{.script = "2", .attempts = {1, 0}, .kind = model::fences::symmetric, .pop_releases = false};
    EXPECT_EQ(models::explore(symmetric).violation, "an entry that was never filled");
}

}  // namespace
