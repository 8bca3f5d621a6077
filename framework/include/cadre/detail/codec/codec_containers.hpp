/// @file
/// Strings, sequences and associative containers: a count, then the elements.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include <cadre/detail/base/populate.hpp>
#include <cadre/detail/codec/codec_core.hpp>
#include <cadre/detail/codec/element_types.hpp>

namespace cadre::detail {

/// Reads values of `T` from unaligned bytes, so that a container is constructed from them without being zeroed first.
template <class T>
class image_iterator {
public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = T;
    using pointer = void;
    using iterator_category = std::random_access_iterator_tag;  // so that the container allocates once

    image_iterator() = default;
    explicit image_iterator(const std::byte* at) noexcept : at_(at) {}

    T operator*() const noexcept { return from_bytes<T>(at_); }
    T operator[](difference_type n) const noexcept { return *(*this + n); }
    image_iterator& operator+=(difference_type n) noexcept {
        at_ += n * static_cast<difference_type>(sizeof(T));
        return *this;
    }
    image_iterator& operator-=(difference_type n) noexcept { return *this += -n; }
    image_iterator& operator++() noexcept { return *this += 1; }
    image_iterator& operator--() noexcept { return *this -= 1; }
    image_iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    image_iterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }
    friend image_iterator operator+(image_iterator i, difference_type n) noexcept { return i += n; }
    friend image_iterator operator+(difference_type n, image_iterator i) noexcept { return i += n; }
    friend image_iterator operator-(image_iterator i, difference_type n) noexcept { return i -= n; }
    friend difference_type operator-(image_iterator a, image_iterator b) noexcept {
        return (a.at_ - b.at_) / static_cast<difference_type>(sizeof(T));
    }
    auto operator<=>(const image_iterator&) const = default;

private:
    const std::byte* at_ = nullptr;
};

template <class T>
inline constexpr bool is_map = false;
template <class K, class V, class C, class A>
inline constexpr bool is_map<std::map<K, V, C, A>> = true;
template <class K, class V, class C, class A>
inline constexpr bool is_map<std::multimap<K, V, C, A>> = true;
template <class K, class V, class H, class E, class A>
inline constexpr bool is_map<std::unordered_map<K, V, H, E, A>> = true;
template <class K, class V, class H, class E, class A>
inline constexpr bool is_map<std::unordered_multimap<K, V, H, E, A>> = true;

/// The standard containers: types with an `element_types_of` and the members that all containers share.
template <class T>
concept counted_container = has_element_types<T> && requires(const T& c) {
    typename T::value_type;
    typename T::allocator_type;
    c.begin();
};
template <class T>
concept associative_container = counted_container<T> && requires { typename T::key_type; };

template <counted_container C>
    requires(!associative_container<C>)
struct codec<C> {
    using value = typename C::value_type;
    static constexpr bool contiguous = plain<value> && requires(const C& c) { std::data(c); };

    static void encode(encoder& out, const C& container) {
        if constexpr (requires { container.size(); })
            out.write_size(container.size());
        else
            out.write_size(static_cast<std::uint64_t>(std::distance(container.begin(), container.end())));
        if constexpr (contiguous) {
            out.write_run(std::data(container), std::size(container) * sizeof(value));
        } else {
            const nested level(out);
            for (const auto& element : container)
                encode_element<value>(out, element);
        }
    }

    static C decode(decoder& in) {
        const std::size_t count = in.read_count(min_element_size<value>);
        if constexpr (plain<value>) {
            const std::size_t size = count * sizeof(value);
            const std::byte* const bytes = contiguous ? in.read_run(size) : in.read(size);
            const image_iterator<value> first(bytes);
            if constexpr (std::is_copy_assignable_v<value> &&
                          requires(C& c, const value* p) { c.reserve(count), c.data(), c.assign(p, p); }) {
                if (size >= populate_threshold) return decode_large(bytes, count);
            }
            return C(first, first + static_cast<std::ptrdiff_t>(count));
        } else {
            const nested level(in);
            C container;
            if constexpr (requires { container.reserve(count); }) container.reserve(in.grant(count, sizeof(value)));
            if constexpr (requires { container.before_begin(); }) {
                auto last = container.before_begin();
                for (std::size_t i = 0; i != count; ++i)
                    last = container.insert_after(last, decode_element<value>(in));
            } else {
                for (std::size_t i = 0; i != count; ++i)
                    container.push_back(decode_element<value>(in));
            }
            return container;
        }
    }

    // Fresh memory gets its pages in bulk, and one copy fills it.
    static C decode_large(const std::byte* bytes, std::size_t count) {
        C container;
        container.reserve(count);
        populate_for_writing(container.data(), count * sizeof(value));
        const image_iterator<value> first(bytes);
        if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(value) == 0) {
            const auto* const values = reinterpret_cast<const value*>(bytes);
            container.assign(values, values + count);
        } else {
            container.assign(first, first + static_cast<std::ptrdiff_t>(count));
        }
        return container;
    }

    static consteval std::size_t min_encoded_size() { return 1; }
};

/// Characters are always plain: the text is one memcpy.
template <class Char, class Traits, class Allocator>
    requires plain<Char>
struct codec<std::basic_string<Char, Traits, Allocator>> {
    using string = std::basic_string<Char, Traits, Allocator>;
    static void encode(encoder& out, const string& text) {
        out.write_size(text.size());
        out.write_run(text.data(), text.size() * sizeof(Char));
    }
    static string decode(decoder& in) {
        const std::size_t count = in.read_count(sizeof(Char));
        const std::byte* bytes = in.read_run(count * sizeof(Char));
        if constexpr (sizeof(Char) == 1) {
            string text;
            if (count >= populate_threshold) {
                text.reserve(count);
                populate_for_writing(text.data(), count);
            }
            text.assign(reinterpret_cast<const Char*>(bytes), count);
            return text;
        } else {
            return string(image_iterator<Char>(bytes),
                          image_iterator<Char>(bytes) + static_cast<std::ptrdiff_t>(count));
        }
    }
    static consteval std::size_t min_encoded_size() { return 1; }
};

template <associative_container C>
struct codec<C> {
    static void encode(encoder& out, const C& container) {
        const nested level(out);
        out.write_size(container.size());
        for (const auto& element : container) {
            if constexpr (is_map<C>) {
                codec<typename C::key_type>::encode(out, element.first);
                encode_element<typename C::mapped_type>(out, element.second);
            } else {
                encode_element<typename C::key_type>(out, element);
            }
        }
    }

    static C decode(decoder& in) {
        const nested level(in);
        C container;
        const std::size_t count = in.read_count(smallest_entry());
        if constexpr (requires { container.reserve(count); })
            container.reserve(in.grant(count, sizeof(typename C::value_type)));
        for (std::size_t i = 0; i != count; ++i) {
            auto key = is_map<C> ? detail::decode<typename C::key_type>(in) : decode_element<typename C::key_type>(in);
            if constexpr (is_map<C>) {
                auto mapped = decode_element<typename C::mapped_type>(in);
                container.emplace_hint(container.end(), std::move(key), std::move(mapped));
            } else {
                container.emplace_hint(container.end(), std::move(key));
            }
        }
        return container;
    }

    static consteval std::size_t smallest_entry() {
        if constexpr (is_map<C>)
            return min_encoded_size_of<typename C::key_type>() + min_element_size<typename C::mapped_type>;
        else
            return min_element_size<typename C::key_type>;
    }
    static consteval std::size_t min_encoded_size() { return 1; }
};

}  // namespace cadre::detail
