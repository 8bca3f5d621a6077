/// @file
/// How much memory this process can still get: the kernel would rather kill a process than refuse it memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>

namespace cadre::detail {

/// Where the kernel publishes memory; another place in tests.
struct memory_files {
    std::filesystem::path proc = "/proc";
    std::filesystem::path cgroup = "/sys/fs/cgroup";
};

inline constexpr std::uint64_t unknown_memory = std::numeric_limits<std::uint64_t>::max();

/// In bytes: what the system has left with its swap (MemAvailable), or what the memory cgroups of this process leave,
/// of version 2 (memory.max, memory.current) or 1, whichever is least. Page cache that the kernel can drop counts as
/// available. `unknown_memory` if neither can be read.
[[nodiscard]] std::uint64_t available_memory(const memory_files& files = {}) noexcept;

/// Whether `bytes` of fresh memory can be had. Small amounts are not checked: the check reads files, which takes some
/// 100 us.
[[nodiscard]] bool memory_left_for(std::uint64_t bytes) noexcept;

}  // namespace cadre::detail
