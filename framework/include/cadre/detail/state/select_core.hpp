/// @file
/// The engine of `select`: tries its operations, watches those that would block, and tries again when one may be
/// possible.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <utility>

#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

class select_core;

/// One operation of a select.
class select_branch {
public:
    /// Performs the operation unless it would block, also before others that wait already. Not while it is watched.
    /// @return whether it has ended, in any way @throws what the operation throws
    [[nodiscard]] virtual bool try_now() = 0;
    /// Begins to watch: when the operation may be possible, a work item on the task's home calls
    /// `select_core::notified`, once.
    /// @return false if it may be possible now; then nothing is watched
    [[nodiscard]] virtual bool watch(select_core& by, environment* env) noexcept = 0;
    /// Ends the watch. @return false if `notified` is called, or has been
    [[nodiscard]] virtual bool unwatch() noexcept = 0;
    /// Another operation was performed: gives back what a watch has acquired.
    virtual void abandon() noexcept {}

protected:
    ~select_branch() = default;

private:
    friend class select_core;
    bool watched_ = false;  // guarded by the mutex of the select
};

/// A waiter of an operation that notifies a select instead of resuming a coroutine.
template <class Wait>
struct select_watch : Wait {
    select_core* by = nullptr;
    select_branch* branch = nullptr;

    void begin(select_core& select, select_branch& of, environment* env) noexcept;
};

/// A watch does not perform its operation: when it ends, the operation may be possible, and the task tries all of them
/// again. So exactly one operation is performed, by the task itself, at home.
///
/// The task waits while watches are `outstanding_`. The first one that ends withdraws the others; a watch that cannot
/// be withdrawn, because it has just ended as well, is awaited: afterwards no watch refers to the branches.
class select_core : work_item {
public:
    using branches = std::span<select_branch* const>;

    select_core() noexcept = default;
    // A select is moved only before it is awaited; nothing is in use then.
    select_core(select_core&&) noexcept : work_item() {}
    select_core& operator=(select_core&&) = delete;

    /// Called at home by the work item of a watch that has ended. `this` may be destroyed before it returns.
    void notified(select_branch& branch) noexcept;

protected:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    ~select_core() = default;

    /// Another number each time: where to begin, so that operations that are possible at once take turns.
    [[nodiscard]] static std::size_t next_turn() noexcept;
    /// Tries the operation `i`, by `attempt()`. @return whether it has ended
    template <class Attempt>
    [[nodiscard]] bool try_one(std::size_t i, Attempt attempt) noexcept {
        try {
            if (!attempt()) return false;
        } catch (...) {
            error_ = std::current_exception();
        }
        performed_ = i;
        return true;
    }
    /// In `await_suspend`, after each operation was tried. @return whether the task is suspended
    [[nodiscard]] bool suspend(branches of, std::coroutine_handle<> handle, environment* env) noexcept;
    /// In `await_resume`. @return the index of the operation that was performed @throws its error, cancelled
    [[nodiscard]] std::size_t finish() {
        if (branch_count_ != 0) [[unlikely]]
            end_wait();
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
        return performed_;
    }

private:
    struct listener : stop_node {
        select_core* self = nullptr;
    };

    static void on_stop(stop_node* node, stop_reason why) noexcept;
    static wait_note describe(const stop_node& listener) noexcept;
    static const bool described;
    static void proceed_at_home(work_item* item) noexcept;
    static void resume_at_home(work_item* item) noexcept;
    /// Deregisters the listener, and abandons the other operations. @throws cancelled
    void end_wait();
    [[nodiscard]] bool try_all() noexcept;
    /// Tries and watches until the task has to wait or may continue. @return whether it waits; then `this` may be
    /// destroyed
    [[nodiscard]] bool wait() noexcept;
    [[nodiscard]] bool watch_all() noexcept;
    void unwatch_all_locked() noexcept;

    // Under it: `watch` and `unwatch`, which take the locks of the operations' objects. Taken by the stop tree's
    // callback: so it is not held while the listener is registered or removed.
    std::mutex mutex_;
    std::size_t outstanding_ = 0;  // watches that have neither been withdrawn nor have notified; guarded
    bool waiting_ = false;  // the task is suspended, until `outstanding_` is 0; guarded
    bool cancelled_ = false;  // guarded

    select_branch* const* branches_ = nullptr;
    std::size_t branch_count_ = 0;  // 0 if the task did not suspend
    std::coroutine_handle<> handle_;
    listener listener_;
    bool listening_ = false;
    bool noted_ = false;  // in the waits of the loop on which the task has suspended
    std::size_t performed_ = none;
    std::exception_ptr error_;
};

template <class Wait>
void select_watch<Wait>::begin(select_core& select, select_branch& of, environment* env_of_task) noexcept {
    by = &select;
    branch = &of;
    this->prepare({}, env_of_task, nullptr);
    this->run = [](work_item* item) noexcept {
        auto& self = *static_cast<select_watch*>(item);
        self.by->notified(*self.branch);
    };
}

}  // namespace cadre::detail
