/// @file
/// The messages between a program and its agents, and who is there: what kinds `mpi` and `cluster` need from their engines.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cadre::detail::node {

/// The number of a process of the run. Chosen by the link, never used again during a run; 0 is the program.
using node_id = std::uint32_t;

/// Where a message goes.
enum class target : std::uint8_t {
    work,  ///< to one agent that has credit left; a call or a chunk
    program,  ///< to the program
    agent,  ///< to the agent with the given number
    all_agents,  ///< to each agent that is there now
};

/// A message that has arrived.
struct delivery {
    std::uint64_t tag = 0;  ///< for `node_link::acknowledge`; 0: not of `work`
    node_id from = 0;
    bool redelivered =
        false;  ///< of `work`: it was handed to an agent that went away before it acknowledged; it may have begun
    byte_buffer body{};
};

/// What a link reports. Called by a thread of the link, one call at a time; must not block.
class node_link_events {
public:
    virtual void received(delivery message) noexcept = 0;
    /// In the program: an agent can be reached from now on. `hello` is what that agent passed to `start`.
    virtual void agent_joined(node_id agent, byte_buffer hello) noexcept = 0;
    /// In the program: nothing more arrives from this agent. What it had taken of `work` and not acknowledged comes back as
    /// redelivered messages (to an agent or, without one, to the program), if the link can (`redelivers`).
    virtual void agent_gone(node_id agent) noexcept = 0;
    /// In an agent: the program is there; `hello` is what it passed to `start`.
    virtual void program_joined(byte_buffer hello) noexcept = 0;
    /// In an agent: the program has ended or cannot be reached.
    virtual void program_gone() noexcept = 0;
    /// The engine (broker) cannot be reached; messages in flight may have arrived. The link tries to reconnect.
    virtual void engine_gone(std::string why) noexcept = 0;
    virtual void engine_back() noexcept = 0;

protected:
    ~node_link_events() = default;
};

/// One end of the run's messages. Thread-safe, unless said otherwise.
class node_link {
public:
    virtual ~node_link() = default;

    /// Joins the run. Once. `hello` is given to the other side. @throws config_error with one line that says what to do
    virtual void start(node_link_events& events, byte_buffer hello) = 0;
    /// Sends `body`, of any size up to 64 MiB (the core cuts larger ones), without blocking; messages of one sender to one target
    /// arrive in order. A message to an agent that is gone is dropped.
    virtual void publish(target to, node_id agent, byte_buffer body) noexcept = 0;
    /// In an agent: the work of this delivery has ended; it will not come back.
    virtual void acknowledge(std::uint64_t tag) noexcept = 0;
    /// In an agent: how many messages of `work` it holds at most without acknowledging them. 0: none for now.
    virtual void set_credit(std::uint32_t messages) noexcept = 0;
    /// In the program: takes back messages of `work` that no agent has taken; they arrive as deliveries to the program, not
    /// redelivered. Used when no agent is left.
    virtual void drain_work() noexcept = 0;
    /// Whether unacknowledged work of a lost agent comes back; else the core's table alone decides.
    [[nodiscard]] virtual bool redelivers() const noexcept = 0;
    /// Sends what was published, leaves the run and ends the threads of the link. No event follows. Idempotent.
    virtual void stop(std::chrono::steady_clock::time_point deadline) noexcept = 0;
};

}  // namespace cadre::detail::node
