/// @file
/// The time limit that an executor sets for each of its calls.
#pragma once

#include <chrono>

namespace cadre::detail {

/// The extension of a backend whose calls have a time limit by default (`executor_backend::query`).
class task_limits {
public:
    /// Of each call that has no shorter limit of its own; 0: none.
    [[nodiscard]] virtual std::chrono::nanoseconds default_limit() const noexcept = 0;

protected:
    ~task_limits() = default;
};

}  // namespace cadre::detail
