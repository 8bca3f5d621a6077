/// @file
/// All executors of this process.
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// Called by the constructor and the destructor of a backend.
void note_backend(executor_backend& backend);
void forget_backend(executor_backend& backend) noexcept;

/// All backends of this process that are not being destroyed.
[[nodiscard]] std::vector<std::shared_ptr<executor_backend>> all_backends();

/// Whether any of them but the `ignored` has work that has not ended.
[[nodiscard]] bool work_outstanding(std::span<executor_backend* const> ignored) noexcept;

}  // namespace cadre::detail
