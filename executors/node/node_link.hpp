/// @file
/// The transport between a program and its agents: the interface of the engines of kinds `mpi` and `cluster`.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cadre::detail::node {

/// The number of a process of the run. The link assigns it and does not reuse it during a run; 0 is the program.
using node_id = std::uint32_t;

/// The recipient of a message.
enum class target : std::uint8_t {
    work,  ///< one agent that has credit left; for a call or a chunk
    program,  ///< the program
    agent,  ///< the agent with the given number
    all_agents,  ///< each agent that has joined
};

/// A received message.
struct delivery {
    std::uint64_t tag = 0;  ///< for `node_link::acknowledge`; 0: not of `work`
    node_id from = 0;
    bool redelivered = false;  ///< of `work`: an agent that left received it before, and its call may have begun there
    byte_buffer body{};
};

/// The events of a link, which calls these functions one at a time, on a thread of its own or on one that polls event
/// sources. They must not block.
class node_link_events {
public:
    virtual void received(delivery message) noexcept = 0;
    /// In the program: an agent has joined. `hello` is the argument that it passed to `start`.
    virtual void agent_joined(node_id agent, byte_buffer hello) noexcept = 0;
    /// In the program: an agent has left, and no message of it follows. If the link `redelivers`, messages of `work`
    /// that the agent received and did not acknowledge are delivered again, to an agent or, without agents, to the
    /// program.
    virtual void agent_gone(node_id agent) noexcept = 0;
    /// In an agent: a program has joined. `hello` is the argument that it passed to `start`.
    virtual void program_joined(byte_buffer hello) noexcept = 0;
    /// In an agent: the program has ended or is unreachable.
    virtual void program_gone() noexcept = 0;
    /// The connection to the engine (the broker) is lost; messages in flight may have arrived. The link reconnects.
    virtual void engine_gone(std::string why) noexcept = 0;
    virtual void engine_back() noexcept = 0;

protected:
    ~node_link_events() = default;
};

/// One endpoint of a run. Thread-safe.
class node_link {
public:
    virtual ~node_link() = default;

    /// Joins the run. Called once. The other side receives `hello`.
    /// @throws config_error if the engine cannot be used; the message is one line that names the remedy
    virtual void start(node_link_events& events, byte_buffer hello) = 0;
    /// Sends `body`, of up to 64 MiB (callers split larger messages), without blocking. Messages of one sender to one
    /// target arrive in order. A message to an agent that has left is dropped.
    virtual void publish(target to, node_id agent, byte_buffer body) noexcept = 0;
    /// In an agent: the work of this delivery has ended; it is not delivered again.
    virtual void acknowledge(std::uint64_t tag) noexcept = 0;
    /// In an agent: the maximum number of unacknowledged messages of `work`. 0: no message is delivered.
    virtual void set_credit(std::uint32_t messages) noexcept = 0;
    /// In the program: withdraws messages of `work` that no agent has received. They are delivered to the program,
    /// without the flag `redelivered`. Used when no agent is left.
    virtual void drain_work() noexcept = 0;
    /// Whether the engine delivers unacknowledged work of a lost agent again. If not, the program assigns each call to
    /// an agent.
    [[nodiscard]] virtual bool redelivers() const noexcept = 0;
    /// Sends the published messages, leaves the run and ends the threads of the link, at `deadline` at the latest. No
    /// event follows. Idempotent.
    virtual void stop(std::chrono::steady_clock::time_point deadline) noexcept = 0;
};

}  // namespace cadre::detail::node
