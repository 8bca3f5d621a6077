/// @file
/// The queue of outgoing messages of a link.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/doorbell.hpp"
#include "message_header.hpp"

namespace cadre::detail::amqp {

enum class route : std::uint8_t {
    work,
    program,
    agent,
    all_agents,
    token,
    acknowledgement,  ///< not a message: `destination` is the tag of a delivery or of a token
};

struct outgoing {
    route to{};
    std::uint64_t destination = 0;  ///< of `agent` and `token`: the key of their owner
    message_header header{};
    byte_buffer body{};
};

/// Any thread adds, one thread takes. It is unbounded: the core limits the messages in flight.
class outbox {
public:
    /// @return false: the outbox is closed, and the entry was dropped
    bool push(outgoing entry) noexcept;
    /// Takes everything; `taken` must be empty.
    void take(std::vector<outgoing>& taken) noexcept;
    [[nodiscard]] bool empty() const noexcept;
    /// Drops all entries, also those that are added later.
    void close() noexcept;
    void open() noexcept;

    /// For the thread that takes: between `begin_sleep` and `end_sleep` a `push` rings the bell, which the sleeper
    /// clears.
    /// @return false: there are entries, do not sleep
    [[nodiscard]] bool begin_sleep() noexcept;
    void end_sleep() noexcept;
    void wake() noexcept { bell_.ring(); }
    [[nodiscard]] int descriptor() const noexcept { return bell_.descriptor(); }

private:
    mutable std::mutex mutex_;
    std::vector<outgoing> entries_;
    bool open_ = false;
    bool sleeping_ = false;
    doorbell bell_;
};

}  // namespace cadre::detail::amqp
