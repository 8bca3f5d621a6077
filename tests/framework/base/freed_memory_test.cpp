#include "base/freed_memory.hpp"

#include <cadre/detail/base/sanitizers.hpp>

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace {

long page_faults() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
}

constexpr std::size_t block = 16384;
constexpr std::size_t blocks = 64;

// Blocks that are too small for mappings of their own.
void use_and_free() {
    const std::vector<std::vector<char>> results(blocks, std::vector<char>(block, 'a'));
    ASSERT_EQ(results.back().back(), 'a');
}

TEST(freed_memory, is_used_again_without_a_fault_for_each_page) {
#if defined(CADRE_ASAN) || defined(CADRE_TSAN)
    GTEST_SKIP() << "a sanitizer has its own heap";
#endif
    cadre::detail::keep_freed_memory();
    use_and_free();
    const long before = page_faults();
    constexpr int repetitions = 50;
    for (int i = 0; i != repetitions; ++i)
        use_and_free();
    constexpr auto pages = static_cast<long>(blocks * block / 4096);
    EXPECT_LT(page_faults() - before, repetitions * pages / 4);
}

}  // namespace
