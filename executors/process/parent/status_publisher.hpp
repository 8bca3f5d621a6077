/// @file
/// What the parent publishes to all workers of an executor: the writer of the supervisor status page.
#pragma once

#include "process/plane/slot.hpp"
#include "process/plane/supervisor_status_page.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_parent {

/// `set_loop_state` may be called by any thread that drives a loop; `set_waiting` and `set_busy_workers` need
/// `calls_mutex_`.
class status_publisher {
public:
    /// @param cores how many workers can compute before no core is left for a spinning parent
    explicit status_publisher(std::size_t cores)
        : page_(process_plane::supervisor_status_page::create()), cores_(cores) {
        set_busy_workers(0);
    }

    [[nodiscard]] int descriptor() const noexcept { return page_.descriptor(); }
    [[nodiscard]] bool core_spare() const noexcept { return page_.words().spare.load(std::memory_order_relaxed) != 0; }

    /// The state of the application's loop. Full fence.
    void set_loop_state(process_plane::loop_state state) noexcept {
        auto& words = page_.words();
        const std::int32_t cpu = process_plane::current_cpu();
        if (words.loop_cpu.load(std::memory_order_relaxed) != cpu) words.loop_cpu.store(cpu, std::memory_order_relaxed);
        const bool sleeps = state == process_plane::loop_state::asleep;
        // Before `sleep`: a worker that no longer sees the sleep sees what followed it.
        if (!sleeps) words.turn.store(static_cast<std::uint64_t>(state), std::memory_order_relaxed);
        if (sleeps || words.asleep()) {
            const std::uint64_t count = changes_.fetch_add(1, std::memory_order_relaxed) + 1;
            const auto now = sleeps ? state : process_plane::loop_state::busy;
            words.sleep.store(count << 2 | static_cast<std::uint64_t>(now), std::memory_order_release);
        }
        process_plane::full_fence();
    }
    /// Whether calls wait in the parent.
    void set_waiting(bool waiting) noexcept { set(page_.words().waiting, waiting ? 1 : 0); }
    /// A parent that spins while every core computes costs the workers a third of their speed: it spins only while a
    /// core is left for it.
    void set_busy_workers(std::size_t busy) noexcept { set(page_.words().spare, busy < cores_ ? 1 : 0); }

private:
    // Every worker reads these words: written only when they change.
    static void set(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
        if (word.load(std::memory_order_relaxed) != value) word.store(value, std::memory_order_seq_cst);
    }

    process_plane::supervisor_status_page page_;
    const std::size_t cores_;
    std::atomic<std::uint64_t> changes_{0};
};

}  // namespace cadre::detail::process_parent
