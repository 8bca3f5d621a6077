/// @file
/// The results of a raw chunk on their way to the parent: an array in shared memory.
#pragma once

#include "process/plane/raw_progress.hpp"
#include "process/worker/event_sender.hpp"

#include <cstdint>

namespace cadre::detail::process_worker {

/// Belongs to one call; used by the thread that runs it.
class raw_results {
public:
    /// Announces memory for `items` results to the parent. @return false if there is none
    [[nodiscard]] bool open(event_sender& sender, std::uint64_t ticket, std::uint32_t items,
                            std::uint32_t result_size) noexcept;
    [[nodiscard]] bool is_open() const noexcept { return progress_ != nullptr; }
    [[nodiscard]] process_plane::raw_progress& progress() const noexcept { return *progress_; }
    /// Ends the call with `e` and the first `e.items` results, which stay where they are until the parent has read
    /// them.
    void send(event_sender& sender, const process_plane::event& e, event_sender::notice when) noexcept;
    /// Ends the call with an event that has another body.
    void drop(event_sender& sender) noexcept;

private:
    process_plane::block block_{};
    process_plane::raw_progress* progress_ = nullptr;
    std::uint32_t result_size_ = 0;
};

}  // namespace cadre::detail::process_worker
