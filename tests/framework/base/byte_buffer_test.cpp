#include <cadre/detail/base/byte_buffer.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace {

using cadre::detail::byte_buffer;

std::vector<std::byte> numbered(std::size_t count) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i != count; ++i)
        bytes[i] = static_cast<std::byte>(i);
    return bytes;
}

std::vector<std::byte> contents(const byte_buffer& buffer) { return {buffer.span().begin(), buffer.span().end()}; }

bool lives_inside(const byte_buffer& buffer) {
    const auto object = reinterpret_cast<std::uintptr_t>(&buffer);
    const auto data = reinterpret_cast<std::uintptr_t>(buffer.data());
    return data >= object && data < object + sizeof buffer;
}

TEST(byte_buffer, starts_empty_and_inside_the_object) {
    const byte_buffer buffer{};
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.capacity(), byte_buffer::inline_capacity);
    EXPECT_TRUE(lives_inside(buffer));
}

TEST(byte_buffer, keeps_its_bytes_when_it_leaves_the_inline_storage) {
    byte_buffer buffer;
    const auto bytes = numbered(40);
    buffer.append(bytes);
    EXPECT_TRUE(lives_inside(buffer));
    buffer.append(bytes);
    EXPECT_FALSE(lives_inside(buffer));
    auto expected = bytes;
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    EXPECT_EQ(contents(buffer), expected);
}

TEST(byte_buffer, moves_inline_and_heap_contents) {
    for (const std::size_t count : {0u, 5u, 48u, 49u, 5000u}) {
        byte_buffer source;
        source.append(numbered(count));
        byte_buffer target(std::move(source));
        EXPECT_EQ(contents(target), numbered(count));
        EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): a moved-from buffer is an empty one
        source.append(numbered(3));
        target = std::move(source);
        EXPECT_EQ(contents(target), numbered(3));
    }
}

TEST(byte_buffer, keeps_its_capacity_when_cleared) {
    byte_buffer buffer;
    buffer.resize_uninitialized(1000);
    const std::size_t capacity = buffer.capacity();
    buffer.clear();
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(byte_buffer, rejects_an_excessive_size) {
    byte_buffer buffer;
    EXPECT_THROW((void)buffer.extend(static_cast<std::size_t>(-1)), std::bad_alloc);
    EXPECT_TRUE(buffer.empty());
}

}  // namespace
