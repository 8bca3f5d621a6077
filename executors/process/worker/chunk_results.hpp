/// @file
/// The results of a chunk's items on their way to the parent: committed in shared memory, sent when that is full.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/plane/chunk_progress.hpp"

#include <cadre/unique_fd.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace cadre::detail::process_worker {

class event_sender;

/// Belongs to one call; used by the thread that runs the current item.
class chunk_results {
public:
    /// Commits `results`, those of the items up to `done` that were not committed yet, with the descriptors in them.
    void commit(event_sender& sender, std::uint64_t ticket, std::uint32_t done, std::span<const std::byte> results,
                std::vector<unique_fd>&& descriptors) noexcept;
    /// Whether so much was committed that the chunk is to end.
    [[nodiscard]] bool full() const noexcept {
        return committed_bytes_ >= process_plane::max_chunk_results ||
               committed_descriptors_ >= max_descriptors_per_call;
    }
    /// The results that are in the block and were not sent.
    [[nodiscard]] std::span<const std::byte> unsent() const noexcept;
    /// Sends them.
    void flush(event_sender& sender, std::uint64_t ticket) noexcept;
    /// Releases the block. The call has ended, and `unsent()` was sent or dropped.
    void close(event_sender& sender) noexcept;

private:
    [[nodiscard]] bool open(event_sender& sender, std::uint64_t ticket) noexcept;

    process_plane::block block_{};
    process_plane::chunk_progress* progress_ = nullptr;
    std::size_t committed_bytes_ = 0;
    std::size_t committed_descriptors_ = 0;
    std::uint32_t done_ = 0;
    std::uint32_t used_ = 0;
};

}  // namespace cadre::detail::process_worker
