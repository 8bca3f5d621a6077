/// @file
/// `outcome<T>`: a value, or the exception that was thrown instead.
///
///     auto o = co_await cadre::as_outcome(cadre::on(ex, decode, file));
///     if (!o) std::cerr << o.what() << '\n';
#pragma once

#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace cadre {

template <class T>
class outcome;

namespace detail {
/// The text of an exception: `what()`, or the name of its type if it does not derive from std::exception.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

template <class T>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<outcome<T>> = true;
}  // namespace detail

/// The result of one piece of work: a value or an error. Not thread-safe.
template <class T = void>
class [[nodiscard]] outcome {
    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    outcome()
        requires std::is_default_constructible_v<stored>
        : state_(std::in_place_index<0>) {}
    /// Implicit where the conversion to `T` is.
    template <class U>
        requires(std::is_constructible_v<stored, U &&> && !std::is_same_v<std::remove_cvref_t<U>, outcome> &&
                 !std::is_same_v<std::remove_cvref_t<U>, std::exception_ptr> &&
                 !(std::is_same_v<stored, bool> &&
                   // An outcome of another type is not converted through its conversion to bool.
                   detail::is_outcome<std::remove_cvref_t<U>>))
    explicit(!std::is_convertible_v<U&&, stored>) outcome(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}
    explicit(false) outcome(std::exception_ptr error) noexcept : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    /// @return the value @throws the error, if there is no value
    decltype(auto) value() & {
        check();
        if constexpr (!std::is_void_v<T>) return (std::get<0>(state_));
    }
    decltype(auto) value() const& {
        check();
        if constexpr (!std::is_void_v<T>) return (std::get<0>(state_));
    }
    decltype(auto) value() && {
        check();
        if constexpr (!std::is_void_v<T>) return std::move(std::get<0>(state_));
    }
    /// The value, unchecked. Requires `has_value()`.
    [[nodiscard]] stored& operator*() & noexcept
        requires(!std::is_void_v<T>)
    {
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const stored& operator*() const& noexcept
        requires(!std::is_void_v<T>)
    {
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] stored&& operator*() && noexcept
        requires(!std::is_void_v<T>)
    {
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] stored* operator->() noexcept
        requires(!std::is_void_v<T>)
    {
        return std::get_if<0>(&state_);
    }
    [[nodiscard]] const stored* operator->() const noexcept
        requires(!std::is_void_v<T>)
    {
        return std::get_if<0>(&state_);
    }

    /// The error; null if there is a value.
    [[nodiscard]] std::exception_ptr error() const noexcept { return has_value() ? nullptr : *std::get_if<1>(&state_); }
    /// The error's text; empty if there is a value.
    [[nodiscard]] std::string what() const { return has_value() ? std::string{} : detail::describe(error()); }

private:
    void check() const {
        if (!has_value()) std::rethrow_exception(*std::get_if<1>(&state_));
    }
    std::variant<stored, std::exception_ptr> state_;
};

}  // namespace cadre
