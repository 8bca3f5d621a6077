/// @file
/// The tasks and calls that an executor has accepted and that have not ended.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include <cadre/detail/stop_state.hpp>

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
    /// Accepts `root`. @return false once closed: then the caller fails with executor_stopped
    [[nodiscard]] bool enter(work_root& root) noexcept;
    /// The work has ended; nothing of it is touched afterwards. May call the functions given to `close`.
    void leave(work_root& root) noexcept;
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
    std::vector<std::function<void()>> on_empty_;
};

}  // namespace cadre::detail
