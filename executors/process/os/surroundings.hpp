/// @file
/// The attributes that a worker takes over from its parent when it starts. The fork server, from which it is forked,
/// has those that the program had at its own start.
#pragma once

#include "process/os/unique_fd.hpp"

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace cadre::detail::process_os {

/// Umask, resource limits, niceness and identity of a process.
struct surroundings {
    static constexpr std::uint32_t unknown_umask = 0xffff'ffff;

    std::array<rlimit, RLIMIT_NLIMITS> limits{};
    std::array<uid_t, 3> users{};  ///< real, effective, saved
    std::array<gid_t, 3> groups{};
    std::uint32_t umask = unknown_umask;  ///< unknown without /proc
    std::int32_t niceness = 0;
    std::int32_t dumpable = 1;
    std::int32_t no_new_privileges = 0;

    /// The surroundings of this process.
    [[nodiscard]] static surroundings current();
};
static_assert(std::is_trivially_copyable_v<surroundings>);

/// The supplementary groups of this process. @throws std::system_error E2BIG if they are too many for a message
[[nodiscard]] std::vector<gid_t> supplementary_groups();

/// The working directory, for `apply`; none if it cannot be opened.
[[nodiscard]] unique_fd open_working_directory();

/// Gives them to this process. A limit or a niceness that it may not have is left as it is: it had more privileges at
/// its start.
/// @throws std::system_error if it may not take the identity or enter the directory
void apply(const surroundings& from, const std::vector<gid_t>& supplementary, const unique_fd& directory);

}  // namespace cadre::detail::process_os
