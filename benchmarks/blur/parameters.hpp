/// @file
/// A blur of a grey image: each inner pixel is the mean of itself, four times, and its four neighbours. A store of a
/// byte may alias whatever describes the image, so this measures what element access costs in a loop.
#pragma once

#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <cstddef>
#include <cstdint>

namespace blur {

inline const std::size_t rows = bench::scaled<std::size_t>(8'000, 80);
inline constexpr std::size_t columns = 3'000;
inline const int repetitions = bench::scaled(9, 1);

using image = cadre::shared_array<std::uint8_t, 2>;

/// `blur_rows(from, to)`; reports the time of one blur.
template <class F>
void measure(F blur_rows) {
    const cadre::serial_executor ex;
    const image from{ex, {rows, columns}};
    const image to{ex, {rows, columns}};
    for (std::size_t i = 0; i != from.size(); ++i)
        from[i] = static_cast<std::uint8_t>(i);
    for (std::uint8_t& pixel : to)
        pixel = 0;
    const auto begin = bench::clock::now();
    for (int n = 0; n != repetitions; ++n)
        blur_rows(from, to);
    bench::report("8000 x 3000", bench::seconds_since(begin) * 1e3 / repetitions, "ms");
    const auto at = [&](std::size_t i, std::size_t j) { return static_cast<int>(from(i, j)); };
    const int mean = (at(0, 1) + at(2, 1) + at(1, 0) + at(1, 2) + 4 * at(1, 1)) / 8;
    bench::require(to(1, 1) == mean && to(0, 0) == 0, "blur");
}

/// With any access to elements: `in(i, j)`.
template <class In, class Out>
void blur_all(const In& in, const Out& out) {
    for (std::size_t i = 1; i + 1 < in.extent(0); ++i)
        for (std::size_t j = 1; j + 1 < in.extent(1); ++j)
            out(i, j) = static_cast<std::uint8_t>(
                (in(i - 1, j) + in(i + 1, j) + in(i, j - 1) + in(i, j + 1) + 4 * in(i, j)) / 8);
}

}  // namespace blur
