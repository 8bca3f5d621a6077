/// @file
/// What all workers of an executor may know of the parent: one page that only the parent can write.
#pragma once

#include "base/mapped_memory.hpp"
#include "process/os/unique_fd.hpp"

#include <atomic>
#include <cstdint>

namespace cadre::detail::process_plane {

enum class loop_state : std::uint64_t {
    busy = 0,     ///< it runs a task, or there is no loop: completions are the supervisor's
    polling = 1,  ///< it looks often
    asleep = 2,   ///< ring it
};

struct parent_words {
    /// The loop_state in the low two bits; the rest counts, so that a worker knows for which sleep it has rung already.
    std::atomic<std::uint64_t> loop;
    std::atomic<std::int32_t> loop_cpu;
    /// Whether cores are left for somebody to spin.
    std::atomic<std::uint32_t> spare;
    /// Whether calls wait in the parent: a worker with an empty ring asks for some.
    std::atomic<std::uint32_t> waiting;
};

/// The parent's mapping, writable, or a worker's, read-only.
class supervisor_status_page {
public:
    /// Makes a page that cannot be mapped writable by anyone else. Throws std::system_error.
    [[nodiscard]] static supervisor_status_page create();
    [[nodiscard]] static supervisor_status_page attach(int memfd);

    [[nodiscard]] parent_words& words() const noexcept { return *static_cast<parent_words*>(mapped_.get_address()); }
    [[nodiscard]] int descriptor() const noexcept { return memfd_.get(); }

private:
    supervisor_status_page(process_os::unique_fd memfd, bool writable);

    process_os::unique_fd memfd_;
    mapped_region mapped_;
};

/// The CPU the calling thread runs on; cheap.
[[nodiscard]] std::int32_t current_cpu() noexcept;

}  // namespace cadre::detail::process_plane
