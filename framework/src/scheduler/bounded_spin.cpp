#include <cadre/detail/scheduler/bounded_spin.hpp>

#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

bool only_this_task_is_ready() noexcept {
    local_worker* const worker = this_thread_worker;
    if (worker == nullptr || !worker->deque().empty()) return false;
    if (const auto* const loop = dynamic_cast<const run_loop*>(worker))
        return loop->control() == nullptr && !loop->ready();
    return !worker->others_wait();
}

}  // namespace cadre::detail
