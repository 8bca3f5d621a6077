#include "config/units.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>

namespace {

using namespace std::chrono_literals;
using cadre::detail::parse_bytes;
using cadre::detail::parse_duration;
using cadre::detail::parse_integer;

TEST(units, durations) {
    EXPECT_EQ(parse_duration("2s"), 2s);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("500 ms"), 500ms);
    EXPECT_EQ(parse_duration("7us"), 7us);
    EXPECT_EQ(parse_duration("9ns"), 9ns);
    EXPECT_EQ(parse_duration("1min"), 1min);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("1d"), 24h);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(units, what_is_no_duration) {
    for (const char* text : {"", "2", "s", "2 sec", "-1s", "1..5s", "1.s", ".5s", "2s ", " 2s", "2  s",
                             "9223372036855s", "1e3s", "99999999999999999999ns", "9999999999.5h", "2S"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(units, integers_of_64_bits) {
    EXPECT_EQ(cadre::detail::parse_unsigned("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(cadre::detail::parse_unsigned("18446744073709551616"), std::nullopt);
    EXPECT_EQ(cadre::detail::parse_unsigned("-1"), std::nullopt);
    EXPECT_TRUE(cadre::detail::is_too_large("9223372036854775808"));
    EXPECT_FALSE(cadre::detail::is_too_large("9223372036854775807"));
    EXPECT_FALSE(cadre::detail::is_too_large("-9223372036854775809"));
    EXPECT_FALSE(cadre::detail::is_too_large(""));
}

TEST(units, sizes) {
    EXPECT_EQ(parse_bytes("4096"), 4096u);
    EXPECT_EQ(parse_bytes("12B"), 12u);
    EXPECT_EQ(parse_bytes("64kB"), 64'000u);
    EXPECT_EQ(parse_bytes("64KiB"), 65'536u);
    EXPECT_EQ(parse_bytes("256MiB"), std::size_t{256} << 20);
    EXPECT_EQ(parse_bytes("1GB"), 1'000'000'000u);
    EXPECT_EQ(parse_bytes("1.5 GiB"), std::size_t{3} << 29);
    EXPECT_EQ(parse_bytes("2TiB"), std::size_t{2} << 40);
    EXPECT_EQ(parse_bytes("64K"), 65'536u);
    EXPECT_EQ(parse_bytes("512M"), std::size_t{512} << 20);
    EXPECT_EQ(parse_bytes("1G"), std::size_t{1} << 30);
    EXPECT_EQ(parse_bytes("2T"), std::size_t{2} << 40);
}

TEST(units, what_is_no_size) {
    for (const char* text : {"", "MiB", "-1", "1 mib", "10 apples", "99999999999TiB", "99999999999.5TiB", "0x10"})
        EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
}

TEST(units, integers) {
    EXPECT_EQ(parse_integer("42"), 42);
    EXPECT_EQ(parse_integer("-3"), -3);
    for (const char* text : {"", "three", "3.0", "3 ", " 3", "+3", "99999999999999999999"})
        EXPECT_EQ(parse_integer(text), std::nullopt) << text;
}

}  // namespace
