/// @file
/// `shared_array_view<T, Rank>`: the elements of a `shared_array`, for loops.
///
///     cadre::shared_array<std::uint8_t, 2> image{ex, {rows, columns}};
///     const auto pixels = image.view();
///     for (std::size_t i = 0; i < pixels.extent(0); ++i)
///         for (std::size_t j = 0; j < pixels.extent(1); ++j) pixels(i, j) = 255;
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>

namespace cadre {

/// A pointer and extents; trivially copyable. As fast as a pointer: a store to an element of character type may alias a
/// handle, which then is loaded again for each element, but not a local view. Valid as long as a handle to the array
/// exists. Elements are laid out row by row.
template <class T, std::size_t Rank>
class shared_array_view {
public:
    using value_type = T;

    shared_array_view() noexcept = default;
    shared_array_view(T* data, const std::array<std::size_t, Rank>& extents) noexcept
        : data_(data), extents_(extents) {}

    [[nodiscard]] T* data() const noexcept { return data_; }
    /// The number of elements along dimension `d`, which is below `Rank`.
    [[nodiscard]] std::size_t extent(std::size_t d) const noexcept { return extents_[d]; }
    /// The number of elements.
    [[nodiscard]] std::size_t size() const noexcept {
        std::size_t product = 1;
        for (const std::size_t n : extents_)
            product *= n;
        return product;
    }
    /// The element at `(i, j, …)`, one index for each dimension.
    template <std::integral... Is>
        requires(sizeof...(Is) == Rank)
    [[nodiscard]] T& operator()(Is... indices) const noexcept {
        return data_[offset(static_cast<std::size_t>(indices)...)];
    }
    /// The elements along the last dimension: `row(i)` of a table, `row(i, j)` of three dimensions.
    template <std::integral... Is>
        requires(sizeof...(Is) + 1 == Rank)
    [[nodiscard]] std::span<T> row(Is... indices) const noexcept {
        return {data_ + offset(static_cast<std::size_t>(indices)..., std::size_t{0}), extents_[Rank - 1]};
    }

private:
    template <class... Is>
    [[nodiscard]] std::size_t offset(Is... indices) const noexcept {
        std::size_t index = 0;
        std::size_t d = 0;
        ((index = index * extents_[d++] + indices), ...);
        return index;
    }

    T* data_ = nullptr;
    std::array<std::size_t, Rank> extents_{};
};

}  // namespace cadre
