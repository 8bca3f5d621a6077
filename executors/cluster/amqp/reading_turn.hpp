/// @file
/// When a thread reads its connection, and how it sleeps in between.
#pragma once

#include <chrono>

#include "connection.hpp"

namespace cadre::detail::amqp {

/// Enters the library only where there is something to read, or where a heartbeat may be due: an entry costs two system calls. One
/// thread.
class reading_turn {
public:
    using clock = std::chrono::steady_clock;

    reading_turn(connection& read, std::chrono::milliseconds half_heartbeat) noexcept
        : connection_(read), half_heartbeat_(half_heartbeat) {}

    /// As `connection::receive`.
    [[nodiscard]] bool receive(clock::time_point now, inbound& message);
    /// Sleeps until there is something to read, the bell rings, which it clears, or half a heartbeat has passed.
    void wait(int bell) noexcept;
    /// Looks whether there is something to read.
    void look() noexcept;

private:
    connection& connection_;
    std::chrono::milliseconds half_heartbeat_;
    clock::time_point entered_{};
    bool readable_ = true;
};

}  // namespace cadre::detail::amqp
