/// @file
/// What a link has to send, in order.
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
    acknowledgement,  ///< no message: `destination` is the tag of a delivery that has ended, or of a token (`header.kind`)
};

struct outgoing {
    route to{};
    std::uint64_t destination = 0;  ///< of `agent`, `token`: whose
    message_header header{};
    byte_buffer body{};
};

/// Any thread adds, one thread takes. An entry does not wait and is not refused: the core limits what is under way.
class outbox {
public:
    /// @return false: the outbox is closed, and the entry was dropped
    bool push(outgoing entry) noexcept;
    /// Takes everything; `taken` must be empty.
    void take(std::vector<outgoing>& taken) noexcept;
    [[nodiscard]] bool empty() const noexcept;
    /// Drops what is there, and from now on everything.
    void close() noexcept;
    void open() noexcept;

    /// For the thread that takes: between `begin_sleep` and `end_sleep` a `push` rings the bell, which the sleeper clears.
    /// @return false: there is something to take, do not sleep
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
