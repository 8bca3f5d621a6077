/// @file
/// The function of a map through a concrete local executor, which may be any callable.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/codec/portable_signature.hpp>

namespace cadre::detail {

/// Calls a function that outlives it, from several workers at a time. So what a lambda has captured need not be
/// copyable, and is not copied for each item.
template <class F>
class shared_function {
public:
    explicit shared_function(const F& f) noexcept : function_(&f) {}

    template <class... As>
        requires std::invocable<const F&, As...>
    std::invoke_result_t<const F&, As...> operator()(As&&... as) const {
        return std::invoke(*function_, std::forward<As>(as)...);
    }

private:
    friend struct callable_access<shared_function>;

    const F* function_;
};

template <class F>
struct callable_access<shared_function<F>> {
    [[nodiscard]] static callable_ref of(const shared_function<F>& f) noexcept { return callable_of(*f.function_); }
};

template <class F>
struct decayed_parameters<shared_function<F>> : decayed_parameters<F> {};

template <class F>
inline constexpr bool is_shared_function<shared_function<F>> = true;

/// Whether a constant `F` has results of the same type.
template <class F, class Item>
concept shares_function =
    std::is_class_v<F> && !std::is_empty_v<F> && maps_over<shared_function<F>, Item> &&
    std::is_same_v<typename item_bound<shared_function<F>, Item>::raw, typename item_bound<F, Item>::raw>;

/// The function that a map calls: a copy of `F` for each item, as in another process; or the one function, if the map
/// is not `Remote` and `F` can be called while it is constant.
template <bool Remote, class F, class Item>
struct map_function {
    using type = F;
    using reference = const F&;
};
template <class F, class Item>
    requires shares_function<F, Item>
struct map_function<false, F, Item> {
    using type = shared_function<F>;
    using reference = const shared_function<F>;
};
template <bool Remote, class F, class Item>
using map_function_t = typename map_function<Remote, F, Item>::type;
/// The type of a variable for it that is initialised by `F`, which outlives it.
template <bool Remote, class F, class Item>
using map_function_reference = typename map_function<Remote, F, Item>::reference;

}  // namespace cadre::detail
