#include <cadre/detail/scheduler/task_root.hpp>

#include <new>

#include "coroutine/trace.hpp"

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

task_root::task_root(std::shared_ptr<executor_backend> home, stop_state* parent_stop, std::string name)
    : stop_(parent_stop) {
    info_.id = next_task_id();
    info_.name = std::move(name);
    info_.executor = std::move(home);
    env_.home = info_.executor.get();
    env_.stop = &stop_;
    env_.info = &info_;
    root_.stop = &stop_;
    root_.name = &info_.name;
    root_.id = info_.id;
}

bool task_root::enter_home() noexcept {
    done = &on_end;
    return enter();
}

bool task_root::enter_home_for_waiter() noexcept {
    done = &on_end_for_waiter;
    return enter();
}

bool task_root::enter() noexcept {
    root_.starter = current_task_id();
    if (tracing()) [[unlikely]]
        return enter_traced();
    return env_.home->registry().enter(root_);
}

bool task_root::hand_over() noexcept {
    run = &on_start;
    work_item::env = &env_;
    return env_.home->hand_over(*this);
}

bool task_root::enter_traced() noexcept {
    if (!env_.home->registry().enter(root_)) return false;
    try {
        trace::submitted(info_.id, info_.name.empty() ? callable_text(root_.callable) : info_.name);
        work_registry::set_traced(root_);
    } catch (const std::bad_alloc&) {  // the trace lacks this task
    }
    return true;
}

void task_root::leave_home() noexcept { env_.home->registry().leave(root_); }

bool task_root::launch() noexcept {
    if (!enter_home()) return false;
    run = &on_start;
    work_item::env = &env_;
    post_home(*this);
    return true;
}

void task_root::on_start(work_item* item) noexcept { static_cast<task_root*>(item)->run_start(); }

std::coroutine_handle<> task_root::on_end(completion* c, std::coroutine_handle<>) noexcept {
    auto* self = static_cast<task_root*>(c);
    const work_end end(self->env_.home->registry(), self->root_);
    self->ended();
    return std::noop_coroutine();
}

std::coroutine_handle<> task_root::on_end_for_waiter(completion* c, std::coroutine_handle<>) noexcept {
    static_cast<task_root*>(c)->ended();
    return std::noop_coroutine();
}

}  // namespace cadre::detail
