/// @file
/// Traits of the kinds of types that matter for portability: handles, serialisable classes, callables, views.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace cadre::detail {

class encoder;
class decoder;

/// A handle of this library with its own encoding: executor, channel, cells, locks.
template <class T>
concept portable_handle = requires { requires T::cadre_portable_handle; };

/// An archetype of an archive, to detect a cereal-style `serialize`.
struct serialize_probe {
    using is_saving = std::true_type;
    using is_loading = std::false_type;
    template <class... Ts>
    serialize_probe& operator()(Ts&&...);
    template <class T>
    serialize_probe& operator&(T&&);
};

template <class T>
concept has_serialize = requires(T& v, serialize_probe& archive) { v.serialize(archive); };

template <class T>
concept coroutine_object = requires { typename T::promise_type; };

/// An object bound to the process that created it, such as a job.
template <class T>
concept process_bound = requires { requires T::cadre_process_bound; };

template <class T>
inline constexpr bool is_view = std::ranges::enable_view<T>;
template <class C, class Tr>
inline constexpr bool is_view<std::basic_string_view<C, Tr>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;

template <class T>
inline constexpr bool is_std_function = false;
template <class R, class... As>
inline constexpr bool is_std_function<std::function<R(As...)>> = true;

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class T>
inline constexpr bool is_shared_pointer = false;
template <class T>
inline constexpr bool is_shared_pointer<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_shared_pointer<std::weak_ptr<T>> = true;

template <class T>
struct unique_pointer {
    static constexpr bool value = false;
};
template <class T, class D>
struct unique_pointer<std::unique_ptr<T, D>> {
    static constexpr bool value = true;
    static constexpr bool plain = !std::is_array_v<T> && std::is_same_v<D, std::default_delete<T>>;
    using element = T;
};

template <class T>
inline constexpr bool is_function_pointer = std::is_pointer_v<T> && std::is_function_v<std::remove_pointer_t<T>>;

template <class T>
inline constexpr bool is_complete = requires { sizeof(T); };

struct named_call {
    void operator()();
};
template <class T>
struct call_or_named : T, named_call {};

/// Has an `operator()`, possibly overloaded or a template: then a second one, inherited from another base, makes the
/// name ambiguous.
template <class T>
concept class_with_call = std::is_class_v<T> && (requires { &T::operator(); } ||
                                                 (!std::is_final_v<T> && !requires { &call_or_named<T>::operator(); }));

}  // namespace cadre::detail
