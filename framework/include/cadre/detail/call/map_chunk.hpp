/// @file
/// The caller's side of a chunk of a map: what local and remote chunks share.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/timeout.hpp>

namespace cadre::detail {

/// Which items a chunk holds, and the time limit of a chunk of one item. Returns through the map's completion queue.
class map_chunk : public completion_queue::node {
public:
    virtual ~map_chunk() = default;

    std::size_t first = 0;  ///< index of its first item in the input

    /// Arms a limit below `parent`. @return the stop state for the work
    [[nodiscard]] stop_state& limit(std::chrono::nanoseconds d, stop_state& parent) {
        if (d.count() <= 0) return parent;
        deadline_.emplace();
        deadline_->arm(deadline_after(d), &parent);
        return deadline_->stop();
    }
    /// Once, at the end. @return whether the limit had passed
    [[nodiscard]] bool limit_passed() noexcept { return deadline_ && deadline_->disarm(); }
    [[nodiscard]] bool limited() const noexcept { return deadline_.has_value(); }

private:
    std::optional<deadline_stop> deadline_;
};

}  // namespace cadre::detail
