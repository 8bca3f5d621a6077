/// @file
/// An entry of a worker's deque: one word, a work item or a task to start.
#pragma once

#include <coroutine>
#include <cstdint>

#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// A work item or a task to start, once, or nothing. A task needs no work item: its promise holds what a resumption
/// needs. It is forked, by a join, or spawned: independent of the tasks around it, like a work item.
class runnable {
public:
    runnable() noexcept = default;
    explicit runnable(work_item* item) noexcept : word_(reinterpret_cast<std::uintptr_t>(item)) {}
    /// A forked task.
    explicit runnable(promise_base* task) noexcept : word_(address_of(*task) | fork_tag) {}
    /// A task that a scope has spawned.
    [[nodiscard]] static runnable spawned(promise_base& task) noexcept {
        runnable r;
        r.word_ = address_of(task) | spawned_tag;
        return r;
    }

    [[nodiscard]] explicit operator bool() const noexcept { return word_ != 0; }
    [[nodiscard]] bool operator==(const runnable&) const noexcept = default;

    [[nodiscard]] bool is_fork() const noexcept { return (word_ & fork_tag) != 0; }
    /// The forked task, which it must be.
    [[nodiscard]] promise_base& as_fork() const noexcept { return promise_at(word_ - fork_tag); }
    /// The work item; null for a task.
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
    static constexpr std::uintptr_t fork_tag = 1;
    static constexpr std::uintptr_t spawned_tag = 2;

    [[nodiscard]] static std::uintptr_t address_of(promise_base& task) noexcept {
        return reinterpret_cast<std::uintptr_t>(task.frame().address());
    }
    [[nodiscard]] static promise_base& promise_at(std::uintptr_t frame) noexcept {
        return promise_base::of(std::coroutine_handle<>::from_address(reinterpret_cast<void*>(frame)));
    }
    [[nodiscard]] bool is_task() const noexcept { return (word_ & (fork_tag | spawned_tag)) != 0; }
    [[nodiscard]] promise_base& as_task() const noexcept { return promise_at(word_ & ~(fork_tag | spawned_tag)); }

    std::uintptr_t word_ = 0;
};

}  // namespace cadre::detail
