#include <cadre/async_barrier.hpp>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/portable.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_barrier;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_barrier>);

int actions = 0;
void count_action() { ++actions; }

TEST(async_barrier, of_one_participant_never_waits) {
    actions = 0;
    async_barrier b{local(), 1, count_action};
    for (int i = 0; i < 3; ++i)
        sync_wait(b.arrive_and_wait());
    EXPECT_EQ(actions, 3);
}

std::optional<async_barrier> arrived_by_its_action;
void arrive_again() {
    ++actions;
    (void)arrived_by_its_action->arrive();
}

// Each action completes the next phase: that would not end.
TEST(async_barrier, whose_action_arrives_breaks) {
    actions = 0;
    arrived_by_its_action.emplace(local(), 1, arrive_again);
    EXPECT_THROW((void)arrived_by_its_action->arrive(), cadre::broken_barrier);
    EXPECT_GT(actions, 1);
    EXPECT_THROW((void)arrived_by_its_action->arrive(), cadre::broken_barrier);
    arrived_by_its_action.reset();
}

TEST(async_barrier, counts_are_checked) {
    EXPECT_THROW((async_barrier{local(), 0}), std::invalid_argument);
    EXPECT_THROW((async_barrier{local(), -2}), std::invalid_argument);
    EXPECT_THROW((async_barrier{local(), async_barrier::max_participants + 1}), std::invalid_argument);
    async_barrier b{local(), 2};
    EXPECT_EQ(b.participants(), 2u);
    (void)b.arrive();
    EXPECT_EQ(b.arrived(), 1u);
    (void)b.arrive();
    EXPECT_EQ(b.arrived(), 0u);
}

TEST(async_barrier, arriving_and_waiting_may_be_apart) {
    async_barrier b{local(), 2};
    const auto first = b.arrive();
    const auto second = b.arrive();
    sync_wait(b.wait(first));
    sync_wait(b.wait(second));
    const auto next = b.arrive();
    auto wait = [](async_barrier barrier, async_barrier::arrival_token token) -> task<> {
        co_await barrier.wait(token);
    };
    EXPECT_TRUE(sync_wait(state_test::stopped_meanwhile(wait(b, next))));
}

TEST(async_barrier, the_last_drop_ends_the_phase_and_the_barrier) {
    actions = 0;
    async_barrier b{local(), 2, count_action};
    const auto token = b.arrive();
    b.drop();
    sync_wait(b.wait(token));
    EXPECT_EQ(b.participants(), 1u);
    b.drop();
    EXPECT_EQ(actions, 2);
    EXPECT_EQ(b.participants(), 0u);
    EXPECT_THROW((void)b.arrive(), std::logic_error);
    EXPECT_THROW(b.drop(), std::logic_error);
}

TEST(async_barrier, an_aborted_barrier_is_broken_for_good) {
    async_barrier b{local(), 2};
    const auto token = b.arrive();
    b.abort();
    b.abort();
    EXPECT_TRUE(b.broken());
    EXPECT_THROW(sync_wait(b.wait(token)), cadre::broken_barrier);
    EXPECT_THROW((void)b.arrive(), cadre::broken_barrier);
    EXPECT_THROW(b.drop(), cadre::broken_barrier);
}

TEST(async_barrier, separates_phases_of_threads) {
    constexpr int phases = 500;
    async_barrier b{local(), 3};
    std::vector<int> at(3);
    on_threads(3, [&](unsigned i) -> task<> {
        for (int n = 0; n < phases; ++n) {
            at[i] = n;
            co_await b.arrive_and_wait();
            EXPECT_EQ(at[(i + 1) % 3], n);
            co_await b.arrive_and_wait();
        }
    });
}

// What a cancelled participant takes back leaves the others where they are.
TEST(async_barrier, cancellation_races_with_the_last_arrival) {
    constexpr int rounds = 1'000;
    async_barrier b{local(), 2};
    on_threads(2, [&](unsigned i) -> task<> {
        for (int n = 0; n < rounds; ++n) {
            if (i == 0) {
                co_await b.arrive_and_wait();
                continue;
            }
            auto arrive = [](async_barrier barrier) -> task<> { co_await barrier.arrive_and_wait(); };
            while (co_await state_test::stopped_meanwhile(arrive(b))) {
            }
        }
    });
    EXPECT_EQ(b.arrived(), 0u);
}

}  // namespace
