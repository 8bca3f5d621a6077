#include "base/address_space.hpp"

#include <algorithm>
#include <exception>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace cadre::detail {

std::uint64_t address_space_left() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited_address_space;
    std::uint64_t pages = 0;  // stays 0 without /proc; the system then refuses reservations that do not fit
    try {
        std::ifstream("/proc/self/statm") >> pages;
    } catch (const std::exception&) {
        pages = 0;
    }
    const std::uint64_t used = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return limit.rlim_cur - std::min<std::uint64_t>(limit.rlim_cur, used);
}

}  // namespace cadre::detail
