/// @file
/// Classes of errors that a map distinguishes.
#pragma once

#include <exception>
#include <string_view>

namespace cadre::detail {

/// Whether the worker process of a call died or was killed.
[[nodiscard]] bool is_worker_death(const std::exception_ptr& error) noexcept;
/// Whether `retries` apply to this failure: they do if a worker died, unless it was killed for the call's own limit or
/// on request.
[[nodiscard]] bool is_retryable(const std::exception_ptr& error) noexcept;
/// Whether an allocation failed and the function let that error through.
[[nodiscard]] bool is_bad_alloc(const std::exception_ptr& error) noexcept;

/// `error` with `where` for `error_origin` if it reports a worker's end or an exceeded limit; others unchanged.
[[nodiscard]] std::exception_ptr add_origin(const std::exception_ptr& error, std::string_view where);

/// Rethrows the exception that is being handled, which the item `index` of a chunk has thrown. In a worker process its
/// origin names the item.
[[noreturn]] void rethrow_at_item(std::size_t index);

}  // namespace cadre::detail
