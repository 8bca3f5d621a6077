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
template <class T>
inline constexpr integer_range range_of{static_cast<std::intmax_t>(std::numeric_limits<T>::min()),
                                        static_cast<std::uintmax_t>(std::numeric_limits<T>::max())};

template <class To, class From>
[[nodiscard]] constexpr bool fits(From value) noexcept {
    if (value < From{0}) return std::is_signed_v<To> && static_cast<std::intmax_t>(value) >= range_of<To>.least;
    return static_cast<std::uintmax_t>(value) <= range_of<To>.greatest;
}

/// `value` is negative if `negative`. @throws std::range_error
[[noreturn, gnu::cold]] void throw_does_not_fit(std::size_t parameter, bool negative, std::uintmax_t value,
                                                integer_range parameter_range);
/// The same for a value that is no argument of a call: `place` names what it does not fit.
[[noreturn, gnu::cold]] void throw_does_not_fit(const char* place, bool negative, std::uintmax_t value,
                                                integer_range range);

/// Passes the argument of parameter `I` (from 0) on, which is converted to `To` next. No code where the types cannot
/// lose.
/// @throws std::range_error if it is an integer that does not fit
template <class To, std::size_t I, class From>
[[nodiscard]] constexpr From&& fitting(From&& argument) {
    using from = std::remove_cvref_t<From>;
    if constexpr (may_not_fit<To, from>) {
        if (!fits<To, from>(argument)) [[unlikely]]
            throw_does_not_fit(I + 1, argument < from{0}, static_cast<std::uintmax_t>(argument), range_of<To>);
    }
    return static_cast<From&&>(argument);
}
/// The same for a value that goes to `place`, such as "the element type of the channel".
template <class To, class From>
[[nodiscard]] constexpr From&& fitting_value(From&& value, const char* place) {
    using from = std::remove_cvref_t<From>;
    if constexpr (may_not_fit<To, from>) {
        if (!fits<To, from>(value)) [[unlikely]]
            throw_does_not_fit(place, value < from{0}, static_cast<std::uintmax_t>(value), range_of<To>);
    }
    return static_cast<From&&>(value);
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
