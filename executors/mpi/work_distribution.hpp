/// @file
/// Which agent gets the next message of work.
#pragma once

#include "mpi/message_kind.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace cadre::detail::mpi {

/// Of the program. Work waits here until an agent has credit left; the one with the most credit left gets it.
class work_distribution {
public:
    explicit work_distribution(int ranks) : agents_(static_cast<std::size_t>(ranks)), free_(agents_.size()) {}

    void add(byte_buffer body) { waiting_.push_back(std::move(body)); }
    /// Work that an agent which is gone had certainly not seen.
    void add_first(std::vector<byte_buffer> bodies);
    void report(int rank, const credit_report& now);
    /// Gives no more work to the agent.
    void remove(int rank);

    struct assignment {
        int agent = -1;  ///< -1: no work or no credit
        byte_buffer body{};
    };
    [[nodiscard]] assignment next();
    /// Takes all work that waits.
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
