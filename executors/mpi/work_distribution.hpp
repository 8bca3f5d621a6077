/// @file
/// Distribution of work over the agents.
#pragma once

#include "mpi/message_kind.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace cadre::detail::mpi {

/// Used by the program. Work waits until an agent has credit left, and goes to the agent with the most.
class work_distribution {
public:
    explicit work_distribution(int ranks) : agents_(static_cast<std::size_t>(ranks)), free_(agents_.size()) {}

    void add(byte_buffer body) { waiting_.push_back(std::move(body)); }
    /// Adds work that was not sent to a lost agent, before all other work.
    void add_first(std::vector<byte_buffer> bodies);
    void report(int rank, const credit_report& now);
    /// Assigns no more work to the agent.
    void remove(int rank);

    struct assignment {
        int agent = -1;  ///< -1: there is no work or no credit
        byte_buffer body{};
    };
    [[nodiscard]] assignment next();
    /// Removes and returns all waiting work.
    [[nodiscard]] std::deque<byte_buffer> drain() noexcept { return std::exchange(waiting_, {}); }

private:
    struct agent {
        credit_report last{};
        std::uint64_t sent = 0;
        bool gone = false;
    };

    void update(std::size_t which);

    std::vector<agent> agents_;
    std::vector<std::uint32_t> free_;  // credit left, by rank
    std::uint64_t all_free_ = 0;
    std::deque<byte_buffer> waiting_{};
};

}  // namespace cadre::detail::mpi
