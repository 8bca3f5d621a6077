/// @file
/// An eventfd that wakes a sleeper in this or another process.
#pragma once

#include <chrono>
#include <optional>

namespace cadre::detail {

/// Owns a non-blocking, close-on-exec eventfd. Its descriptor is readable from the first `ring` until the next `clear`;
/// rings in between coalesce. The static functions take descriptors that belong to another object or process; none of
/// them fails on a descriptor of an eventfd. All functions are thread-safe, `ring` is async-signal-safe too.
class doorbell {
public:
    /// Throws std::system_error if the process has no descriptor left.
    doorbell();
    doorbell(doorbell&& other) noexcept;
    doorbell& operator=(doorbell&& other) noexcept;
    ~doorbell();

    [[nodiscard]] int descriptor() const noexcept { return fd_; }
    /// Gives up ownership of the descriptor.
    [[nodiscard]] int release() noexcept;

    void ring() const noexcept { static_cast<void>(ring(fd_)); }
    void clear() const noexcept { clear(fd_); }

    /// @return false if the descriptor is closed, or is not an eventfd any more
    static bool ring(int descriptor) noexcept;
    static void clear(int descriptor) noexcept;
    /// Sleeps until a ring, which it clears, or until the deadline. Signals and other wake-ups may end it earlier.
    static void wait(int descriptor, std::optional<std::chrono::steady_clock::time_point> deadline = {}) noexcept;

private:
    int fd_;
};

}  // namespace cadre::detail
