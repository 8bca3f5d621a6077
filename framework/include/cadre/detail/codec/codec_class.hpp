/// @file
/// Codecs of classes with a `serialize` member, of this library's handles, of function pointers and of empty classes.
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

/// cereal's named values have the members `name` and `value`, its base_class wrapper has `base_ptr`: both are unwrapped
/// without including cereal.
template <class T>
concept named_value = requires(T& item) {
    { item.name } -> std::convertible_to<const char*>;
    item.value;
};
template <class T>
concept base_wrapper = requires(T& item) { *item.base_ptr; };

/// The archive that a `serialize` member is called with: it writes to an encoder or reads from a decoder.
template <class Stream>
class codec_archive {
    static constexpr bool saving = std::is_same_v<Stream, encoder>;

public:
    using is_saving = std::bool_constant<saving>;
    using is_loading = std::bool_constant<!saving>;

    explicit codec_archive(Stream& stream) noexcept : stream_(stream) {}

    template <class... Ts>
    codec_archive& operator()(Ts&&... items) {
        (item(items), ...);
        return *this;
    }
    template <class T>
    codec_archive& operator&(T&& one) {
        return (*this)(one);
    }

private:
    template <class T>
    void item(T& value) {
        using value_type = std::remove_cv_t<T>;
        if constexpr (std::is_array_v<value_type>) {
            for (auto& element : value)
                item(element);
        } else if constexpr (named_value<value_type>) {
            item(value.value);
        } else if constexpr (base_wrapper<value_type>) {
            item(*value.base_ptr);
        } else if constexpr (saving) {
            detail::encode<value_type>(stream_, value);
        } else if constexpr (serialized<T>) {
            const nested level(stream_);
            value.serialize(*this);  // in place: a base or a member may not be assignable
        } else {
            value = detail::decode<T>(stream_);
        }
    }

    Stream& stream_;
};

using saving_archive = codec_archive<encoder>;
using loading_archive = codec_archive<decoder>;

template <serialized T>
struct codec<T> {
    static void encode(encoder& out, const T& value) {
        const nested level(out);
        saving_archive archive(out);
        const_cast<T&>(value).serialize(archive);  // the same member saves and loads; saving only reads
    }
    static T decode(decoder& in) {
        const nested level(in);
        T value;
        loading_archive archive(in);
        value.serialize(archive);
        return value;
    }
    /// The encoded size is not known at compile time.
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
        if (present > 1) throw_malformed("the presence flag of a function pointer is neither 0 nor 1");
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
