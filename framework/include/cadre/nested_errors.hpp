/// @file
/// `nested_errors(e)`: the failures that followed the one that an algorithm has thrown.
///
///     try { co_await cadre::when_all(fetch(primary), fetch(mirror)); }
///     catch (const std::exception& e) {
///         std::cerr << e.what() << ", and " << cadre::nested_errors(e).size() << " more\n";
///     }
#pragma once

#include <exception>
#include <vector>

namespace cadre {

/// The further failures of the `when_all`, `when_any`, `scope`, `with_scope`, `map`, `map_stream` or `reduce` that has
/// thrown `e`, in the order in which they occurred; empty if there were none. `cancelled` is not among them: it follows
/// from the stop request that the first failure causes. At most the first 64 are kept. They live as long as the
/// exception itself, and arrive with it from a worker process. Thread-safe.
[[nodiscard]] std::vector<std::exception_ptr> nested_errors(const std::exception_ptr& e);
/// The same for a caught exception. It is identified by its address: for a copy, as in `catch (std::runtime_error e)`,
/// the result is empty.
[[nodiscard]] std::vector<std::exception_ptr> nested_errors(const std::exception& e);

namespace detail {

/// Keeps `error` as a further failure of `first`, unless it is null, `cancelled`, `first` itself or already kept. It is
/// dropped if there is no memory. Thread-safe.
void add_nested_error(const std::exception_ptr& first, const std::exception_ptr& error) noexcept;

}  // namespace detail

}  // namespace cadre
