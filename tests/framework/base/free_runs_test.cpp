// Free runs: fits, and merging with either neighbour.

#include <optional>

#include <gtest/gtest.h>

#include "base/free_runs.hpp"

namespace {

using cadre::detail::free_runs;

TEST(free_runs, the_first_fit_is_the_lowest_and_the_best_fit_the_shortest) {
    free_runs runs;
    runs.add(0, 10);
    runs.add(20, 4);
    runs.add(30, 4);
    EXPECT_EQ(runs.first_fit(3), 0u);
    EXPECT_EQ(runs.best_fit(3), 20u);
    EXPECT_EQ(runs.best_fit(5), 0u);
    EXPECT_EQ(runs.best_fit(11), std::nullopt);
}

TEST(free_runs, take_leaves_the_rest_of_a_run) {
    free_runs runs;
    runs.add(8, 8);
    runs.take(8, 3);
    EXPECT_EQ(runs.first_fit(5), 11u);
    EXPECT_EQ(runs.first_fit(6), std::nullopt);
    runs.take(11, 5);
    EXPECT_EQ(runs.first_fit(1), std::nullopt);
}

TEST(free_runs, neighbours_are_merged) {
    free_runs runs;
    runs.add(0, 2);
    runs.add(6, 2);
    runs.add(2, 1);  // with the run before it
    EXPECT_EQ(runs.first_fit(3), 0u);
    runs.add(5, 1);  // with the run after it
    EXPECT_EQ(runs.first_fit(3), 0u);
    EXPECT_EQ(runs.first_fit(4), std::nullopt);
    runs.add(3, 2);  // with both
    EXPECT_EQ(runs.first_fit(8), 0u);
}

}  // namespace
