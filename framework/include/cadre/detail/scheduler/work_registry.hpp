/// @file
/// The tasks and calls that an executor has accepted and that have not ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include <cadre/detail/coroutine/stop_state.hpp>

namespace cadre::detail {

/// One accepted task or call; intrusive, owned by the work itself.
struct work_root {
    stop_state* stop = nullptr;
    work_root* prev = nullptr;
    work_root* next = nullptr;
};

/// Admission control: counts and lists accepted work, refuses it after `close`, tells when the last has ended.
/// Thread-safe.
class work_registry {
public:
    work_registry() noexcept = default;
    work_registry(const work_registry&) = delete;
    work_registry& operator=(const work_registry&) = delete;
    /// Waits for other threads between the two steps of leaving.
    ~work_registry();

    /// Accepts `root`. @return false once closed: then the caller fails with executor_stopped
    [[nodiscard]] bool enter(work_root& root) noexcept;
    /// The work has ended, in two steps: `begin_leave` forgets `root`; then the work tells whoever waits for it, which may
    /// destroy it; then `finish_leave` counts it as ended and may call the functions given to `close`. So a shutdown is
    /// through only when everybody has been told. In between the thread tells of one piece of work only.
    void begin_leave(work_root& root) noexcept;
    void finish_leave() noexcept;
    /// Asks every accepted task to stop.
    void request_stop(stop_reason why = stop_reason::requested) noexcept;
    /// Refuses new work; `on_empty` (may be empty) is called when all accepted work has ended, at once if it has.
    void close(std::function<void()> on_empty);
    [[nodiscard]] bool closed() const noexcept;

    [[nodiscard]] std::uint64_t entered() const noexcept;
    [[nodiscard]] std::uint64_t live() const noexcept;

private:
    mutable std::mutex mutex_;
    work_root* head_ = nullptr;
    std::uint64_t entered_ = 0;
    std::uint64_t live_ = 0;
    bool closed_ = false;
    std::atomic<unsigned> leaving_{0};
    std::vector<std::function<void()>> on_empty_;
};

}  // namespace cadre::detail
