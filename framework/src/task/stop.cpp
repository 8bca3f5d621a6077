#include <cadre/stop.hpp>

namespace cadre {

bool stop_requested() noexcept {
    const detail::environment* env = detail::current_environment();
    return env != nullptr && env->stop != nullptr && env->stop->stop_requested();
}

}  // namespace cadre
