#include <cadre/detail/base/large_memory.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <vector>

#include <cadre/detail/base/byte_buffer.hpp>

namespace {

using namespace cadre::detail;

TEST(large_memory, is_used_again) {
    std::size_t size = 40 * large_memory_from + 1;  // of no other test
    std::byte* const first = allocate_large(size);
    EXPECT_GE(size, 40 * large_memory_from + 1);
    std::memset(first, 1, size);
    free_large(first, size);
    std::size_t again = size - 5000;
    EXPECT_EQ(allocate_large(again), first);
    EXPECT_EQ(again, size);
    free_large(first, again);
}

struct block {
    std::size_t size;
    std::byte* memory = allocate_large(size);
};
void free_all(const std::vector<block>& blocks) {
    for (const block& b : blocks)
        free_large(b.memory, b.size);
}
std::vector<block> allocate_all(std::size_t count, std::size_t size) {
    std::vector<block> blocks;
    for (std::size_t i = 0; i != count; ++i)
        blocks.push_back({.size = size});
    return blocks;
}

// New memory is zero, also where the system gives the same addresses again.
TEST(large_memory, many_blocks_are_used_again) {
    constexpr std::size_t size = 3 * large_memory_from;
    const std::vector<block> first = allocate_all(30, size);
    for (const block& b : first)
        b.memory[0] = std::byte{1};
    free_all(first);
    const std::vector<block> second = allocate_all(30, size);
    for (const block& b : second)
        EXPECT_EQ(b.memory[0], std::byte{1});
    free_all(second);
}

TEST(large_memory, many_small_blocks_make_way_for_a_large_one) {
    const std::vector<block> small = allocate_all(100, 3 * large_memory_from);
    const block large{.size = 16 * large_memory_from};
    free_all(small);
    free_large(large.memory, large.size);
    const block again{.size = 16 * large_memory_from};
    EXPECT_EQ(again.memory, large.memory);
    free_large(again.memory, again.size);
}

TEST(large_memory, more_than_there_is_is_bad_alloc) {
    std::size_t size = static_cast<std::size_t>(-1);
    EXPECT_THROW((void)allocate_large(size), std::bad_alloc);
    size = std::size_t{1} << 60;
    EXPECT_THROW((void)allocate_large(size), std::bad_alloc);
}

TEST(large_memory, holds_the_bytes_of_a_growing_buffer) {
    byte_buffer buffer;
    for (std::size_t i = 0; buffer.size() < 4 * large_memory_from; ++i)
        std::memset(buffer.extend(1000), static_cast<int>(i % 251), 1000);
    for (std::size_t i = 0; i * 1000 < buffer.size(); ++i)
        ASSERT_EQ(buffer.data()[i * 1000], static_cast<std::byte>(i % 251)) << i;
    byte_buffer moved = std::move(buffer);
    EXPECT_EQ(moved.data()[1000], std::byte{1});
}

}  // namespace
