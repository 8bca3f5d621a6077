#include <cadre/detail/base/large_memory.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <new>

#include <cadre/detail/base/byte_buffer.hpp>

namespace {

using namespace cadre::detail;

TEST(large_memory, is_used_again) {
    std::size_t size = large_memory_from + 1;
    std::byte* const first = allocate_large(size);
    EXPECT_GE(size, large_memory_from + 1);
    std::memset(first, 1, size);
    free_large(first, size);
    std::size_t again = size - 5000;
    EXPECT_EQ(allocate_large(again), first);
    EXPECT_EQ(again, size);
    free_large(first, again);
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
