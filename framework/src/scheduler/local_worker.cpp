#include <cadre/detail/scheduler/local_worker.hpp>

#include <span>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

constinit thread_local local_worker* this_thread_worker = nullptr;

void local_worker::wake_sleeper() noexcept { wake_one(); }

bool local_worker::reset_and_check() noexcept {
    finds_ = finds_interval;
    return has_other_work();
}

bool defer_home(work_item& item) noexcept {
    local_worker* const worker = worker_of(item.env->home);
    if (worker != nullptr) worker->defer(&item);
    return worker != nullptr;
}

void post_home(work_item& item) noexcept {
    work_item* one = &item;
    item.env->home->submit(std::span(&one, 1));
}

}  // namespace cadre::detail
