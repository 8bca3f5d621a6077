/// @file
/// Tells apart the kinds of types that matter for portability: handles, serialisable classes, callables, views.
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

/// A type of this library that carries itself: executor, channel, cells, locks.
template <class T>
concept portable_handle = requires { requires T::cadre_portable_handle; };

/// Stands for any archive when asking whether a type has a cereal-style `serialize`.
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

/// Objects tied to the process that made them, such as a job, say so with this member.
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

/// Has an `operator()`, also an overloaded or templated one: a second one from another base makes the name ambiguous.
template <class T>
concept class_with_call = std::is_class_v<T> && (requires { &T::operator(); } ||
                                                 (!std::is_final_v<T> && !requires { &call_or_named<T>::operator(); }));

}  // namespace cadre::detail
