/// @file
/// `register_exception<E>()`: exceptions of your own type arrive from a worker as themselves.
///
///     struct parse_error : std::runtime_error {
///         using std::runtime_error::runtime_error;
///         int line = 0;
///         template <class Archive> void serialize(Archive& archive) { archive(line); }
///     };
///     cadre::register_exception<parse_error>();   // in main, before the runtime
#pragma once

#include <concepts>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/portable.hpp>

namespace cadre {

namespace detail {

/// Adds no member to the standard class that it derives from: its text is all there is to carry.
template <class E>
concept text_only_exception = std::derived_from<E, std::exception> &&
                              (sizeof(E) == sizeof(std::exception) ||
                               (std::derived_from<E, std::runtime_error> && sizeof(E) == sizeof(std::runtime_error)) ||
                               (std::derived_from<E, std::logic_error> && sizeof(E) == sizeof(std::logic_error)));

template <class E>
inline constexpr bool takes_text =
    std::is_constructible_v<E, const std::string&> || std::is_constructible_v<E, const char*>;

/// Has a way to be made before its members are read: from its text, or from nothing.
template <class E>
concept restorable_exception =
    std::derived_from<E, std::exception> && (takes_text<E> || std::is_default_constructible_v<E>) &&
    (has_serialize<E> || text_only_exception<E>);

template <class E>
E exception_from_text(const std::string& text) {
    if constexpr (std::is_constructible_v<E, const std::string&>) {
        return E(text);
    } else if constexpr (std::is_constructible_v<E, const char*>) {
        return E(text.c_str());
    } else {
        return E();
    }
}

template <class E>
void save_registered(encoder& out, const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const E& e) {
        if constexpr (!restorable_exception<E>) {
            encode(out, e);
        } else if constexpr (has_serialize<E>) {
            saving_archive archive(out);
            const_cast<E&>(e).serialize(archive);  // one member serves both ways; saving only reads
        }
    }
}

template <class E>
std::exception_ptr load_registered([[maybe_unused]] decoder& in, exception_origin origin,
                                   const std::exception_ptr& inner) {
    if constexpr (!restorable_exception<E>) {
        return rebuild_exception(decode<E>(in), std::move(origin), inner);
    } else {
        E e = exception_from_text<E>(origin.text);
        if constexpr (has_serialize<E>) {
            loading_archive archive(in);
            e.serialize(archive);
        }
        return rebuild_exception(std::move(e), std::move(origin), inner);
    }
}

}  // namespace detail

/// Lets exceptions of type `E` arrive from a worker as `E`, with their members and `what()`. Call it before the `runtime`, so
/// that every process knows it. `E` is portable; or it derives from a standard exception, can be made from a text or from
/// nothing, and either adds no members or has `template <class A> void serialize(A&)` for those it adds. Thread-safe;
/// registering twice is harmless.
template <class E>
void register_exception() {
    static_assert(std::is_same_v<E, std::remove_cvref_t<E>>,
                  "register_exception: name the class itself, not a reference to it");
    static_assert(
        portable<E> || detail::restorable_exception<E>,
        "register_exception: this exception type cannot be rebuilt elsewhere; give it template <class A> void "
        "serialize(A&) for its members and a constructor from a std::string or from nothing");
    if constexpr (portable<E> || detail::restorable_exception<E>) {
        detail::add_registered_exception(typeid(E), {&detail::save_registered<E>, &detail::load_registered<E>});
    }
}

/// Which worker and task `e` came from; empty for an exception that was thrown in this process.
///
///     catch (const std::exception& e) { log(e.what(), cadre::error_origin(e)); }
[[nodiscard]] std::string error_origin(const std::exception& e);

}  // namespace cadre
