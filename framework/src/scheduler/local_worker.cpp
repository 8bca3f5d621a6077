#include <cadre/detail/scheduler/local_worker.hpp>

#include <span>
#include <typeinfo>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

constinit thread_local local_worker* this_thread_worker = nullptr;

bool local_worker::spawn(promise_base&) noexcept { return false; }
bool local_worker::expect(polled_item&) noexcept { return false; }
void local_worker::expect_no_more(polled_item&) noexcept {}

void local_worker::wake_sleeper() noexcept { wake_one(); }

bool local_worker::reset_and_check() noexcept {
    budget_ = full_budget;
    return has_other_work();
}

bool has_repeatable_order(executor_backend& backend) noexcept {
    return backend.query(typeid(repeatable_order)) != nullptr;
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
