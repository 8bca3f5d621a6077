/// @file
/// An entry of a worker's deque: one word, a work item or a forked task.
#pragma once

#include <coroutine>
#include <cstdint>

#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// A work item or a forked task to run once, or nothing. A forked task needs no work item: its promise holds what a
/// resumption needs.
class runnable {
public:
    runnable() noexcept = default;
    explicit runnable(work_item* item) noexcept : word_(reinterpret_cast<std::uintptr_t>(item)) {}
    explicit runnable(promise_base* task) noexcept
        : word_(reinterpret_cast<std::uintptr_t>(task->frame().address()) | task_tag) {}

    [[nodiscard]] explicit operator bool() const noexcept { return word_ != 0; }
    [[nodiscard]] bool operator==(const runnable&) const noexcept = default;

    [[nodiscard]] bool is_task() const noexcept { return (word_ & task_tag) != 0; }
    /// The forked task, which it must be.
    [[nodiscard]] promise_base& as_task() const noexcept {
        return promise_base::of(std::coroutine_handle<>::from_address(reinterpret_cast<void*>(word_ - task_tag)));
    }
    /// The forked task; null for a work item.
    [[nodiscard]] promise_base* task() const noexcept { return is_task() ? &as_task() : nullptr; }
    /// The work item; null for a forked task.
    [[nodiscard]] work_item* item() const noexcept { return is_task() ? nullptr : reinterpret_cast<work_item*>(word_); }
    /// The environment of the task that runs, or null.
    [[nodiscard]] environment* env() const noexcept { return is_task() ? as_task().cadre_environment() : item()->env; }
    void run() const noexcept {
        if (is_task()) {
            set_current_environment(as_task().cadre_environment());
            as_task().frame().resume();
        } else {
            item()->run(item());
        }
    }

private:
    static constexpr std::uintptr_t task_tag = 1;

    std::uintptr_t word_ = 0;
};

}  // namespace cadre::detail
