/// @file
/// The status that the parent publishes to all workers of an executor, in one page that only the parent can write.
#pragma once

#include "base/mapped_memory.hpp"
#include "process/os/unique_fd.hpp"

#include <atomic>
#include <cstdint>

namespace cadre::detail::process_plane {

enum class loop_state : std::uint64_t {
    busy = 0,     ///< runs a task, or no loop is driven: completions are the supervisor's
    polling = 1,  ///< polls the event rings
    asleep = 2,   ///< must be rung
};

// The loop_state is in two words, on cache lines of their own: `sleep` changes when the loop sleeps, and is loaded
// after each event; `turn` changes at each turn of the loop, and is loaded for urgent events only. Else the line would
// move from core to core with each call. In both the state is in the low two bits, and in `sleep` the number of changes
// is above them: `asleep`, or `busy` while `turn` is the state.
//
// | from | to | by | order |
// | --- | --- | --- | --- |
// | busy, asleep | polling | the thread that drives the loop, before it polls | relaxed, then a full fence |
// | polling | asleep | the same, before it polls once more and sleeps | relaxed, then a full fence |
// | polling, asleep | busy | the same, before it runs tasks | relaxed, then a full fence |
//
// A worker publishes an event, fences and loads the words: either it sees `asleep` and rings, or the last poll sees the
// event. `spare` and `waiting` are hints that only the parent writes, under its `calls_mutex_`; `waiting` is stored
// before the parent fences and checks idle workers once more.

struct parent_words {
    std::atomic<std::uint64_t> sleep;
    std::atomic<std::int32_t> loop_cpu;
    /// Whether a core is left for a loop that spins.
    std::atomic<std::uint32_t> spare;
    /// Whether calls wait in the parent: a worker with an empty ring requests some.
    std::atomic<std::uint32_t> waiting;
    alignas(64) std::atomic<std::uint64_t> turn;

    [[nodiscard]] static constexpr loop_state state_of(std::uint64_t word) noexcept {
        return static_cast<loop_state>(word & 3);
    }
    [[nodiscard]] bool asleep() const noexcept {
        return state_of(sleep.load(std::memory_order_relaxed)) == loop_state::asleep;
    }
    /// The state, if the loop is not asleep.
    [[nodiscard]] loop_state turn_state() const noexcept { return state_of(turn.load(std::memory_order_relaxed)); }
    [[nodiscard]] loop_state state() const noexcept { return asleep() ? loop_state::asleep : turn_state(); }
};

/// The parent's mapping, writable, or a worker's, read-only.
class supervisor_status_page {
public:
    /// Makes a page that no other process can map writable. Throws std::system_error.
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
