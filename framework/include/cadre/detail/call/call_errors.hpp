/// @file
/// Classes of errors that a map distinguishes.
#pragma once

#include <exception>

namespace cadre::detail {

/// Whether the worker process of a call died or was killed: the failures that `retries` are for.
[[nodiscard]] bool is_worker_death(const std::exception_ptr& error) noexcept;

}  // namespace cadre::detail
