/// @file
/// A call of a program in the pool of an agent.
#pragma once

#include "node/message.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace cadre::detail::node {

class agent;

/// Deletes itself on completion.
class relayed_call final : public portable_call {
public:
    /// @param of  the generation of the program
    relayed_call(agent& owner, received_call from, std::uint64_t delivery_tag, std::uint64_t of);

    /// Enters the registry of the pool, so that its shutdown waits for this call, and submits.
    void start(executor pool) noexcept;
    void complete(call_reply reply) noexcept override;
    void take_back(std::uint32_t from) noexcept override;

    [[nodiscard]] bool has_arguments() const noexcept { return arguments_size() >= all_arguments_; }
    [[nodiscard]] std::uint64_t missing_arguments() const noexcept { return all_arguments_ - arguments_size(); }
    /// Appends a part of arguments that arrive separately, without a copy of it. @throws std::bad_alloc
    void add_arguments(byte_buffer part);

    const call_number number;
    const std::uint64_t generation;  ///< of the program; only that program gets its reply
    const std::uint64_t tag;  ///< of the delivery
    const std::chrono::steady_clock::time_point arrived = std::chrono::steady_clock::now();
    bool reported = false;  ///< the program was informed that this agent has the call
    pid_t worker_reported = 0;
    std::uint64_t requested = 0;  ///< bytes of the arguments that were requested
    // The progress of a chunk that was reported to the program.
    std::chrono::steady_clock::time_point progress_at{};
    std::uint32_t items_reported = 0;
    std::size_t results_reported = 0;
    std::size_t errors_reported = 0;

private:
    ~relayed_call() = default;

    agent& owner_;
    const std::uint64_t all_arguments_;  // bytes
    std::deque<byte_buffer> parts_;  // of the arguments, behind the first part, in the buffers in which they arrived
    executor pool_;  // set while the pool has the call
    work_root root_;
};

}  // namespace cadre::detail::node
