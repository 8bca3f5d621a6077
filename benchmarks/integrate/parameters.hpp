/// @file
/// The integral of x (x² + 1) from 0 to 10,000 by the trapezoid rule, halving every interval until the halves change
/// its area by less than 1e-9: 350 million tasks.
#pragma once

#include "measure.hpp"

#include <cmath>

namespace integrate {

inline const double end = bench::scaled(10'000.0, 10.0);
inline constexpr double epsilon = 1e-9;

[[nodiscard]] inline double f(double x) { return (x * x + 1) * x; }

/// Times `area(x1, y1, x2, y2, whole)`: the area between two points of the curve; `whole` is that of one trapezoid.
template <class F>
void measure(unsigned threads, F area) {
    const auto begin = bench::clock::now();
    const double got = area(0.0, f(0), end, f(end), 0.0);
    const double took = bench::seconds_since(begin);
    const double exact = end * end * (end * end + 2) / 4;
    bench::require(std::abs(got - exact) < 1e-8 * exact, bench::threads_name(threads));
    bench::report(bench::threads_name(threads), took * 1e3, "ms");
}

}  // namespace integrate
