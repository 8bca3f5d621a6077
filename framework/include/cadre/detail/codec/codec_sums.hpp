/// @file
/// Codecs of optionals, owning pointers and variants: a tag, then the value if there is one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <cadre/detail/codec/codec_core.hpp>

namespace cadre::detail {

/// Reads the tag of an optional or pointer.
[[nodiscard]] inline bool read_presence(decoder& in) { return codec<bool>::decode(in); }

template <class T>
struct codec<std::optional<T>> {
    static void encode(encoder& out, const std::optional<T>& value) {
        const nested level(out);
        out.write_byte(value.has_value() ? 1 : 0);
        if (value) codec<std::remove_cv_t<T>>::encode(out, *value);
    }
    static std::optional<T> decode(decoder& in) {
        const nested level(in);
        if (!read_presence(in)) return std::nullopt;
        return std::optional<T>(std::in_place, detail::decode<T>(in));
    }
    static consteval std::size_t min_encoded_size() { return 1; }
};

template <class T>
struct codec<std::unique_ptr<T>> {
    static void encode(encoder& out, const std::unique_ptr<T>& value) {
        const nested level(out);
        out.write_byte(value ? 1 : 0);
        if (value) codec<std::remove_cv_t<T>>::encode(out, *value);
    }
    static std::unique_ptr<T> decode(decoder& in) {
        const nested level(in);
        if (!read_presence(in)) return nullptr;
        return std::unique_ptr<T>(new T(detail::decode<T>(in)));
    }
    static consteval std::size_t min_encoded_size() { return 1; }
};

[[noreturn]] void throw_valueless_variant();

template <class... Ts>
struct codec<std::variant<Ts...>> {
    using variant = std::variant<Ts...>;

    static void encode(encoder& out, const variant& value) {
        if (value.valueless_by_exception()) throw_valueless_variant();
        const nested level(out);
        out.write_size(value.index());
        std::visit([&]<class T>(const T& alternative) { codec<T>::encode(out, alternative); }, value);
    }

    static variant decode(decoder& in) {
        const nested level(in);
        const std::uint64_t index = in.read_size();
        if (index >= sizeof...(Ts)) throw_malformed("the index of a variant is out of range");
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            constexpr variant (*readers[])(decoder&) = {&decode_alternative<I>...};
            return readers[index](in);
        }(std::index_sequence_for<Ts...>{});
    }

    static consteval std::size_t min_encoded_size() { return 1; }

private:
    template <std::size_t I>
    static variant decode_alternative(decoder& in) {
        return variant(std::in_place_index<I>, detail::decode<std::variant_alternative_t<I, variant>>(in));
    }
};

}  // namespace cadre::detail
