/// @file
/// The results of a chunk's items on their way to the parent: committed in shared memory, sent when that is full.
#pragma once

#include "process/plane/chunk_progress.hpp"
#include "process/plane/message.hpp"

#include <cstdint>
#include <span>

namespace cadre::detail::process_worker {

class event_sender;

/// Belongs to one call; used by the thread that runs the current item.
class chunk_results {
public:
    /// Commits `results`, those of the items up to `done` that were not committed yet.
    void commit(event_sender& sender, std::uint64_t ticket, std::uint32_t done,
                std::span<const std::byte> results) noexcept;
    /// Bytes of the results that were committed.
    [[nodiscard]] std::size_t committed() const noexcept { return committed_bytes_; }
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
    std::uint32_t done_ = 0;
    std::uint32_t used_ = 0;
};

}  // namespace cadre::detail::process_worker
