// The expectation of the tests of models.
#pragma once

#include <cstddef>

#include <gtest/gtest.h>

#include "models/explore.hpp"

namespace models {

/// No violation; every state has been visited, and reaches an end.
template <class Model>
void expect_sound(const Model& model, std::size_t min_ends = 1) {
    const findings f = explore(model);
    EXPECT_EQ(f.violation, "");
    EXPECT_TRUE(f.complete);
    EXPECT_GE(f.ends, min_ends);
    ::testing::Test::RecordProperty("states", static_cast<int>(f.states));
}

}  // namespace models
