// The suites under many seeds: each repetition of the program (--gtest_repeat=200 --gtest_filter=seeded/\*) takes the
// next one, beginning with CADRE_FIRST_SEED. A failure that depends on the order is found again with that seed.
#include "conformance/kinds.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace conformance_tests {

std::uint64_t seeded::seed = 0;

namespace {

std::uint64_t first_seed() {
    const char* const text = std::getenv("CADRE_FIRST_SEED");
    return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

class next_seed : public ::testing::EmptyTestEventListener {
    void OnTestIterationStart(const ::testing::UnitTest& /*tests*/, int iteration) override {
        seeded::seed = first_seed() + static_cast<std::uint64_t>(iteration);
    }
    void OnTestPartResult(const ::testing::TestPartResult& result) override {
        if (result.failed()) std::printf("the seed is %llu\n", static_cast<unsigned long long>(seeded::seed));
    }
};

const bool listens = (::testing::UnitTest::GetInstance()->listeners().Append(new next_seed), true);

}  // namespace
}  // namespace conformance_tests
