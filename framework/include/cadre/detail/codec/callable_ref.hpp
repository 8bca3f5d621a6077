/// @file
/// Which callable some work runs, for reports. A reference is made with every call and costs two stores; it is put into
/// words (`callable_text`) only when a report is made.
#pragma once

#include <type_traits>

namespace cadre::detail {

/// The signature of this function, which contains the compiler's spelling of `F`.
template <class F>
[[nodiscard]] const char* spelled_type() noexcept {
    return __PRETTY_FUNCTION__;
}

struct callable_ref {
    const char* spelled_type = nullptr;  ///< null: not known
    const void* function = nullptr;  ///< the address, if the callable is a pointer to a function
};

/// Specialised for callables that refer to another one, which they name.
template <class F>
struct callable_access {
    [[nodiscard]] static callable_ref of(const F& f) noexcept {
        if constexpr (std::is_pointer_v<F>)
            return {spelled_type<std::remove_pointer_t<F>>(), reinterpret_cast<const void*>(f)};
        else
            return {spelled_type<F>(), nullptr};
    }
};

template <class F>
[[nodiscard]] callable_ref callable_of(const F& f) noexcept {
    return callable_access<F>::of(f);
}

}  // namespace cadre::detail
