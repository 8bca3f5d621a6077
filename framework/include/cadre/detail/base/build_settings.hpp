/// @file
/// Refuses a program that is compiled with other settings than the library, where they change what crosses the
/// border between the two: the program does not link, and the undefined symbol says why.
///
/// Every translation unit refers to the functions below that fit its settings, and the library defines those that fit
/// its own.
#pragma once

#if defined(__GNUC__) && !defined(__cpp_exceptions)
#    error "cadre needs exceptions: compile without -fno-exceptions"
#endif
#if defined(__GNUC__) && !defined(__cpp_rtti)
#    error "cadre needs run-time type information, to find the type of an error: compile without -fno-rtti"
#endif

#include <cstddef>
#include <version>

#if __has_attribute(retain)
#    define CADRE_KEPT_BY_LINKER [[gnu::used, gnu::retain]]
#else
#    define CADRE_KEPT_BY_LINKER [[gnu::used]]
#endif

namespace cadre::the_library_must_be_built {

#if defined(__clang__)
void with_clang();
#else
void with_gxx();  // a task's frame has its compiler's layout
#endif

#if defined(_GLIBCXX_DEBUG)
void with_D_GLIBCXX_DEBUG();  // the layout of containers and iterators
#else
void without_D_GLIBCXX_DEBUG();
#endif

#if defined(_LIBCPP_VERSION)
void with_libcxx();
#elif defined(_GLIBCXX_USE_CXX11_ABI)
template <int Value>
void with_D_GLIBCXX_USE_CXX11_ABI_equal_to();  // the layout of std::string, std::list and exceptions
#endif

/// -fshort-enums
template <std::size_t Bytes>
void with_enums_of_bytes();
/// -fpack-struct
template <std::size_t Bytes>
void with_members_aligned_to();
/// -fshort-wchar
template <std::size_t Bytes>
void with_wchar_t_of_bytes();
/// -mlong-double-64, -m128bit-long-double, …
template <std::size_t Bytes>
void with_max_align_t_of();

enum an_enum { a_value };
struct a_struct {
    char first;
    double second;
};

// Not inline: each translation unit has its own copy, because two of them may be compiled with different settings.
CADRE_KEPT_BY_LINKER static void (*const settings_of_this_file[])() = {
#if defined(__clang__)
    &with_clang,
#else
    &with_gxx,
#endif
#if defined(_GLIBCXX_DEBUG)
    &with_D_GLIBCXX_DEBUG,
#else
    &without_D_GLIBCXX_DEBUG,
#endif
#if defined(_LIBCPP_VERSION)
    &with_libcxx,
#elif defined(_GLIBCXX_USE_CXX11_ABI)
    &with_D_GLIBCXX_USE_CXX11_ABI_equal_to<_GLIBCXX_USE_CXX11_ABI>,
#endif
    &with_enums_of_bytes<sizeof(an_enum)>,
    &with_members_aligned_to<offsetof(a_struct, second)>,
    &with_wchar_t_of_bytes<sizeof(wchar_t)>,
    &with_max_align_t_of<alignof(std::max_align_t)>,
};

}  // namespace cadre::the_library_must_be_built
