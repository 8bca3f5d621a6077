/// @file
/// Sizes of shared arrays: extents from any integers, checked products, and their encoding.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

namespace cadre::detail {

class encoder;
class decoder;

/// @throws std::invalid_argument if negative
template <std::integral N>
[[nodiscard]] std::size_t checked_extent(N n) {
    if (std::cmp_less(n, 0)) throw std::invalid_argument("cadre::shared_array: a size must not be negative");
    if (std::cmp_greater(n, std::numeric_limits<std::size_t>::max())) throw std::bad_alloc();
    return static_cast<std::size_t>(n);
}

/// Braced extents of different integral types, as in `{rows, 3}`.
template <std::size_t Rank>
struct mixed_extents {
    template <std::integral... Ns>
        requires(sizeof...(Ns) == Rank)
    mixed_extents(Ns... ns) : sizes{checked_extent(ns)...} {}
    std::array<std::size_t, Rank> sizes;
};

/// @throws std::bad_alloc if the product does not fit
[[nodiscard]] std::size_t element_count(std::span<const std::size_t> extents);
[[nodiscard]] std::size_t byte_size(std::span<const std::size_t> extents, std::size_t element_size);

void encode_extents(encoder& out, std::span<const std::size_t> extents);
void decode_extents(decoder& in, std::span<std::size_t> extents);

[[noreturn]] void throw_out_of_range();

}  // namespace cadre::detail
