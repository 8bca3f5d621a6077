#include "state/home_budget.hpp"

#include <algorithm>

#include <unistd.h>

namespace cadre::detail {

home_limits home_limits::of_this_machine() noexcept {
    constexpr std::uint64_t least = std::uint64_t{256} << 20;
    constexpr std::size_t workers = 16'384;
    const auto pages = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L));
    const std::uint64_t memory = pages * static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 0L));
    const std::uint64_t all = std::max(memory / 2, least);
    return {.bytes_of_worker = std::max(all / 2, least), .bytes_of_all = all, .workers_of_node = workers};
}

}  // namespace cadre::detail
