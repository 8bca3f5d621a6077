#include "base/host_name.hpp"

#include <array>

#include <unistd.h>

namespace cadre::detail {

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name.front() == 0) return "localhost";
    return name.data();
}

}  // namespace cadre::detail
