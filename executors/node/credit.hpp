/// @file
/// How many calls a host takes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cadre::detail::node {

/// So many that its workers do not wait for the link, and few enough that calls which wait here could not run elsewhere. Tasks that
/// are suspended in a worker do not count. Takes no lock.
class credit_control {
public:
    explicit credit_control(std::uint32_t workers) noexcept;

    [[nodiscard]] std::uint32_t credit() const noexcept { return credit_; }
    /// A call has kept its worker for so long; 0: not measured.
    void ended(std::uint32_t nanoseconds) noexcept;
    /// @param held  calls that the host has  @param waiting  those that no worker has begun  @return whether the credit has changed
    bool adapt(std::size_t held, std::size_t waiting) noexcept;

private:
    std::uint32_t workers_;
    std::uint32_t credit_;
    double mean_time_ = 0;  // nanoseconds; 0: not known
};

}  // namespace cadre::detail::node
