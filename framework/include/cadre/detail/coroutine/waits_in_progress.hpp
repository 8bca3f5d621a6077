/// @file
/// The waiting coroutines of one loop. Apart from their notes, because only the library uses the map.
#pragma once

#include <unordered_map>

#include <cadre/detail/coroutine/wait_note.hpp>

namespace cadre::detail {

/// The waiting coroutines of a loop whose deadlocks are reported, by their waiters. Only the thread that drives the
/// loop uses it.
class waits_in_progress {
public:
    void add(const void* waiter, const wait_note& note);
    void remove(const void* waiter) noexcept;
    [[nodiscard]] const std::unordered_map<const void*, wait_note>& all() const noexcept { return notes_; }

private:
    std::unordered_map<const void*, wait_note> notes_;
};

}  // namespace cadre::detail
