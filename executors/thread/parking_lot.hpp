/// @file
/// Where idle workers of a pool sleep: a futex word each (futex(2)), so that exactly the chosen one is woken.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <cadre/detail/timer_service.hpp>

namespace cadre::detail {

/// One thread's place to sleep. A wake is kept if it comes first.
class parking_place {
public:
    /// Sleeps until `unpark` or `deadline`. @return whether it was unparked
    bool park(std::optional<steady_time> deadline) noexcept;
    void unpark() noexcept;

private:
    std::atomic<std::uint32_t> token_{0};
};

}  // namespace cadre::detail
