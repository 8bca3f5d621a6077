/// @file
/// The number of calls that a host accepts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cadre::detail::node {

/// Large enough that the workers do not wait for the link, and small enough that few calls wait here while they could
/// run elsewhere. Tasks that are suspended in a worker do not count. Not thread-safe.
class credit_control {
public:
    explicit credit_control(std::uint32_t workers) noexcept;

    [[nodiscard]] std::uint32_t credit() const noexcept { return credit_; }
    /// Records the service time of a call that has ended; 0: not measured.
    void ended(std::uint32_t nanoseconds) noexcept;
    /// @param held  calls that the host has  @param waiting  those that no worker has begun
    /// @return whether the credit has changed
    bool adapt(std::size_t held, std::size_t waiting) noexcept;

private:
    std::uint32_t workers_;
    std::uint32_t credit_;
    double mean_time_ = 0;  // nanoseconds; 0: not known
};

}  // namespace cadre::detail::node
