/// @file
/// What a task inherits from the task that awaits or spawns it: one pointer in every promise.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre {

/// The number of a spawned task in its process. Printable; never 0.
using task_id = std::uint64_t;

}  // namespace cadre

namespace cadre::detail {

/// The identity of one spawned task, shared by all tasks that it awaits.
struct task_info {
    task_id id = 0;
    std::string name;
    /// The executor that `this_task::executor()` names: the home, or in a worker process its process executor.
    std::shared_ptr<executor_backend> executor;
};

/// The environment of a task. Owned by the root of the task (a spawn, `on`, `run`) or by a combinator that changes a
/// part of it for its children; outlives the tasks that point to it.
struct environment {
    /// The local executor on which the task always resumes.
    executor_backend* home = nullptr;
    const task_info* info = nullptr;
    stop_state* stop = nullptr;
};

CADRE_THREAD_LOCAL extern environment* this_thread_environment;

/// The environment of the task that runs on this thread, null outside tasks. Reading is not inlined: a coroutine may
/// continue on another thread, and a compiler may keep the address of a thread-local across a suspension.
[[nodiscard]] environment* current_environment() noexcept;
/// Set before a task is resumed whose environment differs from that of the one before.
inline void set_current_environment(environment* env) noexcept { this_thread_environment = env; }

/// The id of the task that runs on this thread; 0 outside tasks.
[[nodiscard]] std::uint64_t current_task_id() noexcept;

/// The environment that a coroutine awaiting something runs in: its promise's, or for foreign coroutines the thread's.
template <class Promise>
[[nodiscard]] environment* environment_of_promise(std::coroutine_handle<Promise> handle) noexcept {
    if constexpr (requires { handle.promise().cadre_environment(); })
        return handle.promise().cadre_environment();
    else
        return current_environment();
}

/// Submits `item` to the home of its environment; never runs it inline. The scheduler implements it.
void post_home(work_item& item) noexcept;

/// A fresh task id, unique in this process and, in its high bits, among the processes of this program.
[[nodiscard]] std::uint64_t next_task_id() noexcept;

}  // namespace cadre::detail
