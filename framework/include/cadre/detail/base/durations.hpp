/// @file
/// Durations of any unit in nanoseconds, without overflow.
#pragma once

#include <chrono>

namespace cadre::detail {

/// The duration rounded up; the nearest one that can be represented if it is out of range.
template <class Rep, class Period>
[[nodiscard]] constexpr std::chrono::nanoseconds to_nanoseconds(std::chrono::duration<Rep, Period> d) {
    using std::chrono::nanoseconds;
    const std::chrono::duration<double> seconds(d);
    if (seconds >= std::chrono::duration<double>(nanoseconds::max())) return nanoseconds::max();
    if (seconds <= std::chrono::duration<double>(nanoseconds::min())) return nanoseconds::min();
    return std::chrono::ceil<nanoseconds>(d);
}

}  // namespace cadre::detail
