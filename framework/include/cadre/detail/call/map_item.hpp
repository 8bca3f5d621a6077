/// @file
/// One item of a map: how the function is applied to it, and how its result is read.
#pragma once

#include <exception>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/range_item.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

/// Thrown if an item of an input cannot be copied, converted or encoded: the item fails, and the map continues.
struct item_refused {
    std::exception_ptr error;
};

/// Why a chunk ended before it was full: the item behind it cannot be sent, or the input has thrown.
class chunk_end {
public:
    template <class Read>
    explicit chunk_end(Read read) {
        try {
            read();
        } catch (const item_refused& refused) {
            item = refused.error;
        } catch (...) {
            input = std::current_exception();
        }
    }
    std::exception_ptr item;
    std::exception_ptr input;
};

template <class Item, class Reference>
[[nodiscard]] Item take_item(Reference&& given) {
    try {
        return make_item<Item>(std::forward<Reference>(given));
    } catch (...) {
        throw item_refused{std::current_exception()};
    }
}

template <class F, class Item>
concept takes_whole = callable_with<F, Item>;

template <class F, class Item>
inline constexpr bool takes_parts = false;
template <class F, class... Ts>
inline constexpr bool takes_parts<F, std::tuple<Ts...>> = callable_with<F, Ts...>;
template <class F, class A, class B>
inline constexpr bool takes_parts<F, std::pair<A, B>> = callable_with<F, A, B>;

template <class F, class Item>
struct item_call;
template <class F, class Item>
    requires takes_whole<F, Item>
struct item_call<F, Item> {
    using type = packaged_call_for<F, Item>;
    template <class I>
    static type bind(const F& f, I&& item) {
        return type(std::in_place, f, std::forward<I>(item));
    }
};
// A tuple is spread over the parameters of a function that does not take it whole.
template <class F, class Item>
    requires(!takes_whole<F, Item> && takes_parts<F, Item>)
struct item_call<F, Item> {
    template <class Indices>
    struct spread;
    template <std::size_t... Is>
    struct spread<std::index_sequence<Is...>> {
        using type = packaged_call_for<F, std::tuple_element_t<Is, Item>...>;
    };
    using type = typename spread<std::make_index_sequence<std::tuple_size_v<Item>>>::type;
    template <class I>
    static type bind(const F& f, I&& item) {
        return std::apply(
            [&](auto&&... parts) { return type(std::in_place, f, std::forward<decltype(parts)>(parts)...); },
            std::forward<I>(item));
    }
};

template <class F, class Item>
concept maps_over = requires { typename item_call<F, Item>::type::result; };

template <class F, class Item>
using item_bound = typename item_call<F, Item>::type;

template <class F>
inline constexpr bool is_shared_function = false;  // specialised for shared_function

/// Whether a function with a parameter of type `P` reads an item, an lvalue of type `T`, and nothing more: it takes a
/// copy, a constant reference or a view.
template <class P, class T>
inline constexpr bool only_reads =
    (std::is_same_v<std::remove_cv_t<P>, T> && std::is_copy_constructible_v<T>) || std::is_same_v<P, const T&> ||
    (owned_parameter_view<std::remove_cvref_t<P>> &&
     (!std::is_reference_v<P> || std::is_same_v<P, const std::remove_cvref_t<P>&>) &&
     std::is_convertible_v<const T&, std::remove_cvref_t<P>>);
template <class Parameters, class T>
inline constexpr bool parameters_only_read = false;
template <class P, class T>
inline constexpr bool parameters_only_read<type_list<P>, T> = only_reads<P, T>;

/// Whether `F` may be called with what an iterator refers to, without an item of its own: a function that only reads
/// it, and that is the same one for all items. The parameters come first: the body of a template need not compile.
template <class F, class Reference>
concept reads_in_place =
    std::is_lvalue_reference_v<Reference> && (std::is_pointer_v<F> || std::is_empty_v<F> || is_shared_function<F>) &&
    parameters_only_read<typename declared_parameters<F>::type, std::remove_cvref_t<Reference>> &&
    std::is_invocable_v<const F&, const std::remove_cvref_t<Reference>&>;

/// Calls a plain function with what an iterator refers to, or with an item that is made of it.
template <class F, class Item, class Reference>
typename item_bound<F, Item>::raw apply_to_item(const F& f, Reference&& given) {
    if constexpr (reads_in_place<F, Reference&&>)
        return std::invoke(f, std::as_const(given));
    else
        return item_call<F, Item>::bind(f, make_item<Item>(std::forward<Reference>(given)))();
}

template <class Bound>
using item_outcome = outcome<typename Bound::result>;

}  // namespace cadre::detail
