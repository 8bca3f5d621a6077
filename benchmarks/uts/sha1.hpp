/// @file
/// SHA-1 of messages that fit into one block, which suffices for the tree search.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace uts {

using digest = std::array<std::uint32_t, 5>;

/// The hash of `Words` big-endian words (at most 13: the padding has to fit too).
template <std::size_t Words>
[[nodiscard]] inline digest sha1(const std::array<std::uint32_t, Words>& message) {
    static_assert(Words <= 13);
    std::array<std::uint32_t, 16> w{};
    for (std::size_t i = 0; i != Words; ++i)
        w[i] = message[i];
    w[Words] = 0x8000'0000;
    w[15] = 32 * Words;

    constexpr digest start{0x6745'2301, 0xefcd'ab89, 0x98ba'dcfe, 0x1032'5476, 0xc3d2'e1f0};
    auto [a, b, c, d, e] = start;
    const auto round = [&](std::uint32_t mixed, std::uint32_t constant, unsigned i) {
        if (i >= 16) w[i % 16] = std::rotl(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^ w[i % 16], 1);
        const std::uint32_t next = std::rotl(a, 5) + mixed + e + constant + w[i % 16];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    };
    // Unrolled, the words are in registers and the conditions above are constants.
#pragma GCC unroll 20
    for (unsigned i = 0; i != 20; ++i)
        round(d ^ (b & (c ^ d)), 0x5a82'7999, i);
#pragma GCC unroll 20
    for (unsigned i = 20; i != 40; ++i)
        round(b ^ c ^ d, 0x6ed9'eba1, i);
#pragma GCC unroll 20
    for (unsigned i = 40; i != 60; ++i)
        round((b & c) | (d & (b ^ c)), 0x8f1b'bcdc, i);
#pragma GCC unroll 20
    for (unsigned i = 60; i != 80; ++i)
        round(b ^ c ^ d, 0xca62'c1d6, i);
    return {start[0] + a, start[1] + b, start[2] + c, start[3] + d, start[4] + e};
}

}  // namespace uts
