/// @file
/// The fixture of the tests that other libraries' tests inspired.
#pragma once

#include <gtest/gtest.h>

#include <chrono>

#include <cadre/executor.hpp>

#include "conformance/kinds.hpp"

namespace conformance_tests {

/// The limit of a wait that has to end by it.
inline constexpr std::chrono::milliseconds soon{5};

template <class Kind>
class of_others : public ::testing::Test {
protected:
    const cadre::executor under_test = Kind::make();
};
using kinds_of_others = ::testing::Types<serial, threads<1>, threads<3>, processes<1>, processes<2>>;

}  // namespace conformance_tests
