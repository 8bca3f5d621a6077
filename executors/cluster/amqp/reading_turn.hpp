/// @file
/// The reads of a thread from its connection, and its sleep.
#pragma once

#include <chrono>

#include "connection.hpp"

namespace cadre::detail::amqp {

/// Calls the library only if there is something to read or a heartbeat may be due, because a call costs two system
/// calls. Used by one thread.
class reading_turn {
public:
    using clock = std::chrono::steady_clock;

    reading_turn(connection& read, std::chrono::milliseconds half_heartbeat) noexcept
        : connection_(read), half_heartbeat_(half_heartbeat) {}

    /// As `connection::receive`.
    [[nodiscard]] bool receive(clock::time_point now, inbound& message);
    /// Sleeps until there is something to read, the bell rings, which it clears, or half a heartbeat has passed.
    void wait(int bell) noexcept;
    /// Checks whether there is something to read, without waiting.
    void poll() noexcept;

private:
    connection& connection_;
    std::chrono::milliseconds half_heartbeat_;
    clock::time_point entered_{};
    bool readable_ = true;
};

}  // namespace cadre::detail::amqp
