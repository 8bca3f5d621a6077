/// @file
/// Arguments for parameters that are views of text or of elements: the call owns what the function sees.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/codec/codec_core.hpp>
#include <cadre/detail/codec/element_types.hpp>

namespace cadre::detail {

/// The views that a parameter may be: `std::basic_string_view`, and `std::span` of constant, trivially copyable
/// elements.
template <class V>
struct viewed_element {};
template <class C, class Traits>
struct viewed_element<std::basic_string_view<C, Traits>> {
    using type = C;
};
template <class T, std::size_t Extent>
    requires(std::is_trivially_copyable_v<T> && !std::is_volatile_v<T>)
struct viewed_element<std::span<const T, Extent>> {
    using type = T;
};
template <class V>
concept owned_parameter_view = requires { typename viewed_element<V>::type; };

/// Memory for elements; freed with the last reference. Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<std::byte> allocate_elements(std::size_t bytes, std::size_t alignment);

/// A container that is moved instead of copied: a string or vector of the element type, as an rvalue.
template <class A, class T>
inline constexpr bool movable_owner = false;
template <class C, class Traits, class Allocator>
inline constexpr bool movable_owner<std::basic_string<C, Traits, Allocator>, C> = true;
template <class T, class Allocator>
inline constexpr bool movable_owner<std::vector<T, Allocator>, T> = !std::is_same_v<T, bool>;

/// The stored argument for a parameter of type `V`. It owns a copy of the text or the elements that was made with it;
/// copies of it share that. One that was decoded may refer to the message, which lives until the call has ended.
template <owned_parameter_view V>
class owned_view {
public:
    using element = typename viewed_element<V>::type;

    template <class A>
        requires(!std::is_same_v<std::remove_cvref_t<A>, owned_view> && std::is_convertible_v<A, V>)
    explicit(false) owned_view(A&& argument) : owned_view(own(std::forward<A>(argument))) {}

    /// The same object each time: a parameter that is a reference to a view refers to this one.
    explicit(false) operator const V&() const noexcept { return view_; }
    [[nodiscard]] const V& get() const noexcept { return view_; }

private:
    friend codec<owned_view>;
    struct contents {
        const element* first;
        std::size_t count;
        std::shared_ptr<const void> owner{};  // null: the message owns them
    };
    explicit owned_view(contents c) noexcept : view_(c.first, c.count), owner_(std::move(c.owner)) {}

    template <class A>
    [[nodiscard]] static contents own(A&& argument) {
        if constexpr (movable_owner<A, element>) {  // false for lvalues: only an rvalue may be moved from
            auto owner = std::make_shared<A>(std::move(argument));
            return {owner->data(), owner->size(), owner};
        } else {
            const V given = std::forward<A>(argument);
            return copy(given.data(), given.size());
        }
    }
    [[nodiscard]] static contents copy(const void* from, std::size_t count) {
        if (count == 0) return {nullptr, 0};
        auto owner = allocate_elements(count * sizeof(element), alignof(element));
        std::memcpy(owner.get(), from, count * sizeof(element));
        return {reinterpret_cast<const element*>(owner.get()), count, std::move(owner)};
    }

    V view_;
    std::shared_ptr<const void> owner_;
};

template <class V>
struct element_types_of<owned_view<V>> : element_types<typename viewed_element<V>::type> {};

/// Text and plain elements are not decoded: the view refers to the message, if that is aligned for them. Other elements
/// are checked one by one.
template <class V>
struct codec<owned_view<V>> {
    using element = typename viewed_element<V>::type;

    static void encode(encoder& out, const owned_view<V>& value) {
        const V& view = value.get();
        out.write_size(view.size());
        if constexpr (!plain<element>)
            for (const element& e : view)
                encode_element<element>(out, e);
        else if constexpr (alignof(element) == 1)
            out.write_run(view.data(), view.size() * sizeof(element));
        else
            out.write_aligned_run(view.data(), view.size() * sizeof(element));
    }

    static owned_view<V> decode(decoder& in) {
        const std::size_t count = in.read_count(min_element_size<element>);
        if constexpr (requires { V::extent; }) {
            if (V::extent != std::dynamic_extent && V::extent != count) throw_malformed("a span has another extent");
        }
        if constexpr (!plain<element>) {
            struct one {
                element value;
            };
            std::vector<one> all;  // not of bool, whose elements are bits
            all.reserve(in.grant(count, sizeof(one)));
            for (std::size_t i = 0; i != count; ++i)
                all.push_back({decode_element<element>(in)});
            return owned_view<V>(owned_view<V>::copy(all.data(), count));
        } else {
            const std::byte* const bytes = alignof(element) == 1 ? in.read_run(count * sizeof(element))
                                                                 : in.read_aligned_run(count * sizeof(element));
            if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(element) == 0)
                return owned_view<V>({reinterpret_cast<const element*>(bytes), count});
            return owned_view<V>(owned_view<V>::copy(bytes, count));
        }
    }

    static consteval std::size_t min_encoded_size() { return 1; }
};

/// The stored argument for a parameter, or a part of an item, of type `P`.
template <class P>
struct stored_parameter {
    using type = P;
};
template <owned_parameter_view V>
struct stored_parameter<V> {
    using type = owned_view<V>;
};
template <class P>
using stored_parameter_t = typename stored_parameter<P>::type;

}  // namespace cadre::detail
