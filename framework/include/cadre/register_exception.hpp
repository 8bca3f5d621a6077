/// @file
/// `register_exception<E>()`: an exception of a user-defined type that is thrown in a worker process keeps its type.
///
///     struct parse_error : std::runtime_error {
///         using std::runtime_error::runtime_error;
///         int line = 0;
///         template <class Archive> void serialize(Archive& archive) { archive(line); }
///     };
///     cadre::register_exception<parse_error>();   // in main, before the runtime is created
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

/// True if `E` has the size of its standard base, so that `what()` is its entire state.
template <class E>
concept text_only_exception = std::derived_from<E, std::exception> &&
                              (sizeof(E) == sizeof(std::exception) ||
                               (std::derived_from<E, std::runtime_error> && sizeof(E) == sizeof(std::runtime_error)) ||
                               (std::derived_from<E, std::logic_error> && sizeof(E) == sizeof(std::logic_error)));

template <class E>
inline constexpr bool takes_text =
    std::is_constructible_v<E, const std::string&> || std::is_constructible_v<E, const char*>;

/// Can be constructed before its members are read: from its text or by default.
template <class E>
concept restorable_exception =
    std::derived_from<E, std::exception> && (takes_text<E> || std::is_default_constructible_v<E>) &&
    (has_serialize<E> || text_only_exception<E>);

template <class E>
E exception_from_text(const std::string& text) {
    if constexpr (std::is_constructible_v<E, const std::string&>)
        return E(text);
    else if constexpr (std::is_constructible_v<E, const char*>)
        return E(text.c_str());
    else
        return E();
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
            const_cast<E&>(e).serialize(archive);  // the same member saves and loads; saving only reads
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

/// An exception of type `E` that is thrown in a worker process is rebuilt in the caller as an `E`, with its members and
/// `what()`. Call this function before the `runtime` is created, so that every process has registered the type. Either
/// `E` is portable; or it derives from a standard exception, is constructible from a text or by default, and adds no
/// members or has `template <class A> void serialize(A&)` for the added ones. Thread-safe; idempotent.
template <class E>
void register_exception() {
    static_assert(std::is_same_v<E, std::remove_cvref_t<E>>,
                  "register_exception: E must be a class, not a reference or a cv-qualified type");
    static_assert(
        portable<E> || detail::restorable_exception<E>,
        "register_exception: this exception type cannot be rebuilt in another process; give it template <class A> "
        "void serialize(A&) for its members and a constructor from a std::string or a default constructor");
    if constexpr (portable<E> || detail::restorable_exception<E>)
        detail::add_registered_exception(typeid(E), {&detail::save_registered<E>, &detail::load_registered<E>});
}

/// The worker and task that threw `e`; empty for an exception that was thrown in this process. Thread-safe.
///
///     catch (const std::exception& e) { log(e.what(), cadre::error_origin(e)); }
[[nodiscard]] std::string error_origin(const std::exception& e);
/// The same for an exception that was not caught, as `outcome::error()` gives it; empty for a null pointer.
[[nodiscard]] std::string error_origin(const std::exception_ptr& e);

}  // namespace cadre
