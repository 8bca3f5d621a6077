/// @file
/// Whether a worker has used up its memory, so that it is to be replaced.
#pragma once

#include "process/os/crash_page.hpp"
#include "process/os/unique_fd.hpp"

#include <cstdint>

namespace cadre::detail::process_worker {

/// Thread-safe.
class memory_gauge {
public:
    /// @param soft_limit of the private memory in use, in bytes; 0: none
    explicit memory_gauge(std::uint64_t soft_limit);

    /// Whether an allocation has failed at the memory limit, or more private memory than the soft limit is in use,
    /// after free memory was given back to the system. With a soft limit it queries the system, which takes about a
    /// microsecond.
    [[nodiscard]] bool exhausted() const noexcept {
        return process_os::failed_allocations() != 0 || (soft_limit_ != 0 && above_soft_limit());
    }

private:
    [[nodiscard]] bool above_soft_limit() const noexcept;
    [[nodiscard]] std::uint64_t in_use() const noexcept;

    const std::uint64_t soft_limit_;
    process_os::unique_fd statm_;
};

}  // namespace cadre::detail::process_worker
