/// @file
/// The number of cores that a process may use, from files that a test can replace.
#pragma once

#include <filesystem>
#include <string>

#include <cadre/executors/workers.hpp>

namespace cadre::detail {

inline constexpr int max_workers = 4096;

/// CPUs in this process's affinity mask; 0 if it cannot be read.
[[nodiscard]] int affinity_count() noexcept;

/// Why workers cannot be pinned to all of these CPUs: this process may not use one of them. Empty if they can.
[[nodiscard]] std::string affinity_fault(const cpu_list& wanted);
/// @throws config_error `affinity: …` with that reason
void check_affinity(const cpu_list& wanted);

/// The CPU quota of the calling process in cores, rounded up, by cgroups v2 and v1 in `root`/proc and `root`/sys: the
/// smallest quota between its group and the root. 0: none.
[[nodiscard]] int cgroup_quota(const std::filesystem::path& root);

/// At least 1; `affinity` as from `affinity_count()`.
[[nodiscard]] int usable_cores(int affinity, const std::filesystem::path& root) noexcept;

}  // namespace cadre::detail
