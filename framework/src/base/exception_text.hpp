/// @file
/// The text of a user's exception.
#pragma once

#include <exception>

namespace cadre::detail {

/// `e.what()`, or a text in its place: a user's `what` may return a null pointer.
[[nodiscard]] inline const char* text_of(const std::exception& e) noexcept {
    const char* const text = e.what();
    return text != nullptr ? text : "(what() is a null pointer)";
}

}  // namespace cadre::detail
