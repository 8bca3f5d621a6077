/// @file
/// Storage for a result or an error.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace cadre::detail {

template <class R>
class result_slot {
    using stored = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

public:
    /// Calls `f` and stores its result or exception.
    template <class F>
    void fill(F&& f) noexcept {
        try {
            if constexpr (std::is_void_v<R>) {
                std::forward<F>(f)();
                value_.emplace();
            } else {
                value_.emplace(std::forward<F>(f)());
            }
        } catch (...) {
            error_ = std::current_exception();
        }
    }
    void fail(std::exception_ptr error) noexcept { error_ = std::move(error); }
    /// Moves the value out, or throws the error.
    R take() {
        if (error_ != nullptr) std::rethrow_exception(error_);
        if constexpr (!std::is_void_v<R>) return std::move(*value_);
    }
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

private:
    std::optional<stored> value_;
    std::exception_ptr error_;
};

}  // namespace cadre::detail
