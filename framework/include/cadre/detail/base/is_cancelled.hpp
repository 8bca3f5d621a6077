/// @file
/// Whether an error is `cancelled`.
#pragma once

#include <exception>

namespace cadre::detail {

/// Whether `error`, which is not null, is `cancelled`.
[[nodiscard]] bool is_cancelled(const std::exception_ptr& error) noexcept;

}  // namespace cadre::detail
