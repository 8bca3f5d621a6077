/// @file
/// `typecode_t<'i'>`: the C type of a type code of Python's `multiprocessing.Value` and `Array`.
///
///     cadre::shared_value<cadre::typecode_t<'d'>> ratio{ex, 0.5};
#pragma once

#include <type_traits>

namespace cadre {

namespace detail {

template <char Code>
struct typecode {
    static_assert(Code == 'b', "cadre::typecode_t: no such type code; the type codes are b B u h H i I l L q Q f d");
    using type = int;  // one error is enough
};
// clang-format off
template <> struct typecode<'b'> { using type = signed char; };
template <> struct typecode<'B'> { using type = unsigned char; };
template <> struct typecode<'u'> { using type = wchar_t; };
template <> struct typecode<'h'> { using type = short; };
template <> struct typecode<'H'> { using type = unsigned short; };
template <> struct typecode<'i'> { using type = int; };
template <> struct typecode<'I'> { using type = unsigned int; };
template <> struct typecode<'l'> { using type = long; };
template <> struct typecode<'L'> { using type = unsigned long; };
template <> struct typecode<'q'> { using type = long long; };
template <> struct typecode<'Q'> { using type = unsigned long long; };
template <> struct typecode<'f'> { using type = float; };
template <> struct typecode<'d'> { using type = double; };
// clang-format on

}  // namespace detail

/// The C type of one of the type codes `b B u h H i I l L q Q f d`; any other letter does not compile.
template <char Code>
using typecode_t = typename detail::typecode<Code>::type;

}  // namespace cadre
