/// @file
/// Classes that take part in their own encoding: `serialize` members, this library's handles, functions and empty classes.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/codec_core.hpp>
#include <cadre/detail/codec/function_identity.hpp>

namespace cadre::detail {

template <class T>
concept serialized = std::is_class_v<T> && has_serialize<T> && !portable_handle<T> && !has_element_types<T>;

/// cereal's named values have `name` and `value`, its base_class wrapper a `base_ptr`: seen through without its headers.
template <class T>
concept named_value = requires(T& item) {
    { item.name } -> std::convertible_to<const char*>;
    item.value;
};
template <class T>
concept base_wrapper = requires(T& item) { *item.base_ptr; };

/// What a `serialize` member sees when its object is written.
class saving_archive {
public:
    using is_saving = std::true_type;
    using is_loading = std::false_type;

    explicit saving_archive(encoder& out) noexcept : out_(out) {}

    template <class... Ts>
    saving_archive& operator()(Ts&&... items) {
        (item(items), ...);
        return *this;
    }
    template <class T>
    saving_archive& operator&(T&& one) {
        return (*this)(one);
    }

private:
    template <class T>
    void item(T& value) {
        using plain_type = std::remove_cv_t<T>;
        if constexpr (std::is_array_v<plain_type>) {
            for (auto& element : value)
                item(element);
        } else if constexpr (named_value<plain_type>) {
            item(value.value);
        } else if constexpr (base_wrapper<plain_type>) {
            item(*value.base_ptr);
        } else {
            detail::encode<plain_type>(out_, value);
        }
    }

    encoder& out_;
};

/// What a `serialize` member sees when its object is read.
class loading_archive {
public:
    using is_saving = std::false_type;
    using is_loading = std::true_type;

    explicit loading_archive(decoder& in) noexcept : in_(in) {}

    template <class... Ts>
    loading_archive& operator()(Ts&&... items) {
        (item(items), ...);
        return *this;
    }
    template <class T>
    loading_archive& operator&(T&& one) {
        return (*this)(one);
    }

private:
    template <class T>
    void item(T& value) {
        if constexpr (std::is_array_v<T>) {
            for (auto& element : value)
                item(element);
        } else if constexpr (named_value<T>) {
            item(value.value);
        } else if constexpr (base_wrapper<T>) {
            item(*value.base_ptr);
        } else if constexpr (serialized<T>) {
            const nested level(in_);
            value.serialize(*this);  // in place: a base or a member that cannot be assigned
        } else {
            value = detail::decode<T>(in_);
        }
    }

    decoder& in_;
};

template <serialized T>
struct codec<T> {
    static void encode(encoder& out, const T& value) {
        const nested level(out);
        saving_archive archive(out);
        const_cast<T&>(value).serialize(archive);  // one member serves both ways; saving only reads
    }
    static T decode(decoder& in) {
        const nested level(in);
        T value;
        loading_archive archive(in);
        value.serialize(archive);
        return value;
    }
    /// What it writes is not known at compile time.
    static consteval std::size_t min_encoded_size() { return 0; }
};

template <portable_handle T>
struct codec<T> {
    static void encode(encoder& out, const T& value) { value.encode_handle(out); }
    static T decode(decoder& in) { return T::decode_handle(in); }
    static consteval std::size_t min_encoded_size() { return 0; }
};

template <class T>
    requires is_function_pointer<T>
struct codec<T> {
    static void encode(encoder& out, T function) {
        out.write_byte(function ? 1 : 0);
        if (function) encode_function(out, identify_function(reinterpret_cast<const void*>(function)));
    }
    static T decode(decoder& in) {
        const std::uint8_t present = in.read_byte();
        if (present > 1) throw_malformed("a function pointer that is neither there nor absent");
        if (present == 0) return nullptr;
        return reinterpret_cast<T>(const_cast<void*>(resolve_function(decode_function(in))));
    }
    static consteval std::size_t min_encoded_size() { return 1; }
};

template <class T>
concept stateless_class =
    std::is_class_v<T> && std::is_empty_v<T> && !has_element_types<T> && !has_serialize<T> && !portable_handle<T>;

/// Captureless lambdas, function objects and empty aggregates: nothing is written.
template <stateless_class T>
struct codec<T> {
    static void encode(encoder&, const T&) {}
    static T decode(decoder&) { return T{}; }
    static consteval std::size_t min_encoded_size() { return 0; }
};

template <>
struct codec<std::monostate> {
    static void encode(encoder&, const std::monostate&) {}
    static std::monostate decode(decoder&) { return {}; }
    static consteval std::size_t min_encoded_size() { return 0; }
};

}  // namespace cadre::detail
