#include <cadre/errors.hpp>

#include <ostream>

namespace cadre {

const char* to_string(kill_reason reason) noexcept {
    switch (reason) {
        case kill_reason::time_limit: return "time limit";
        case kill_reason::memory_limit: return "memory limit";
        case kill_reason::shutdown: return "shutdown";
        case kill_reason::requested: return "requested";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, kill_reason reason) { return out << to_string(reason); }

}  // namespace cadre
