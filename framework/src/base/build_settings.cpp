#include <cadre/detail/base/build_settings.hpp>

// The settings of the library.
namespace cadre::the_library_must_be_built {

#if defined(__clang__)
void with_clang() {}
#else
void with_gxx() {}
#endif

#if defined(_GLIBCXX_DEBUG)
void with_D_GLIBCXX_DEBUG() {}
#else
void without_D_GLIBCXX_DEBUG() {}
#endif

#if defined(_LIBCPP_VERSION)
void with_libcxx() {}
#elif defined(_GLIBCXX_USE_CXX11_ABI)
template <int Value>
void with_D_GLIBCXX_USE_CXX11_ABI_equal_to() {}
template void with_D_GLIBCXX_USE_CXX11_ABI_equal_to<_GLIBCXX_USE_CXX11_ABI>();
#endif

template <std::size_t Bytes>
void with_enums_of_bytes() {}
template <std::size_t Bytes>
void with_members_aligned_to() {}
template <std::size_t Bytes>
void with_wchar_t_of_bytes() {}
template <std::size_t Bytes>
void with_max_align_t_of() {}
template void with_enums_of_bytes<sizeof(an_enum)>();
template void with_members_aligned_to<offsetof(a_struct, second)>();
template void with_wchar_t_of_bytes<sizeof(wchar_t)>();
template void with_max_align_t_of<alignof(std::max_align_t)>();

}  // namespace cadre::the_library_must_be_built
