/// @file
/// What a task inherits from whoever awaits or spawns it: one pointer in every promise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <cadre/detail/stop_state.hpp>
#include <cadre/detail/work_item.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// Facts about one spawned task, shared by everything that it awaits.
struct task_info {
    std::uint64_t id = 0;
    std::string name;
    /// The executor that `this_task::executor()` names: the home, or in a worker process its process executor.
    std::shared_ptr<executor_backend> executor;
};

/// The environment of a task. Owned by whoever made the task's root (a spawn, `on`, `run`) or by a combinator that
/// changes a part of it for its children; always outlives the tasks that point to it.
struct environment {
    /// Where it always resumes: a local executor.
    executor_backend* home = nullptr;
    stop_state* stop = nullptr;
    const task_info* info = nullptr;
};

/// The environment of the task that runs on this thread, null outside tasks. Not inlined: a coroutine may continue on
/// another thread, and compilers cache the address of a thread-local across a suspension.
[[nodiscard]] environment* current_environment() noexcept;
void set_current_environment(environment* env) noexcept;

/// A fresh task id, unique in this process and, in its high bits, among the processes of this program.
[[nodiscard]] std::uint64_t next_task_id() noexcept;

}  // namespace cadre::detail
