/// @file
/// Integers given as arguments: one that does not fit its parameter is refused, not truncated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cadre::detail {

template <class T>
concept plain_integer = std::is_integral_v<T> && !std::is_same_v<std::remove_cv_t<T>, bool>;

/// Whether some `From` is no `To`, both being integers.
template <class To, class From>
inline constexpr bool may_not_fit = false;
template <plain_integer To, plain_integer From>
inline constexpr bool may_not_fit<To, From> = (std::is_signed_v<From> && std::is_unsigned_v<To>) ||
                                              std::numeric_limits<From>::digits > std::numeric_limits<To>::digits;

struct integer_range {
    std::intmax_t least;
    std::uintmax_t greatest;
};

/// `value` is negative if `negative`. @throws std::range_error
[[noreturn, gnu::cold]] void throw_does_not_fit(std::size_t parameter, bool negative, std::uintmax_t value,
                                                integer_range parameter_range);

/// Passes the argument of parameter `I` (from 0) on, which is converted to `To` next. No code where the types cannot lose.
/// @throws std::range_error if it is an integer that does not fit
template <class To, std::size_t I, class From>
[[nodiscard]] constexpr From&& fitting(From&& argument) {
    using from = std::remove_cvref_t<From>;
    if constexpr (may_not_fit<To, from>) {
        const bool negative = argument < from{0};
        const bool fits =
            negative
                ? std::is_signed_v<To> &&
                      static_cast<std::intmax_t>(argument) >= static_cast<std::intmax_t>(std::numeric_limits<To>::min())
                : static_cast<std::uintmax_t>(argument) <= static_cast<std::uintmax_t>(std::numeric_limits<To>::max());
        if (!fits) [[unlikely]]
            throw_does_not_fit(I + 1, negative, static_cast<std::uintmax_t>(argument),
                               {static_cast<std::intmax_t>(std::numeric_limits<To>::min()),
                                static_cast<std::uintmax_t>(std::numeric_limits<To>::max())});
    }
    return static_cast<From&&>(argument);
}

/// Checks the arguments of a call whose parameter types are known.
template <class Parameters, class... Args>
constexpr void require_fitting(const Args&... args) {
    if constexpr (!std::is_void_v<Parameters>) {
        if constexpr (std::tuple_size_v<Parameters> >= sizeof...(Args))
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                ((void)fitting<std::tuple_element_t<I, Parameters>, I>(args), ...);
            }(std::index_sequence_for<Args...>{});
    }
}

}  // namespace cadre::detail
