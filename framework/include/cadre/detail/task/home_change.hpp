/// @file
/// A task that has moved to another home, by `resume_on`: its environment, and its way back at its end.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// The task gets an environment of its own in place of the one that it shares with the task that awaits it. A
/// home_change replaces the task's continuation. When the task ends, the change posts itself to the first home and runs
/// the original continuation there.
///
/// Made by the first move; later ones change it. Frees itself at the task's end.
class home_change final : completion, work_item {
public:
    home_change(const home_change&) = delete;
    home_change& operator=(const home_change&) = delete;

    /// Makes `home` the home of the task of `p`, which runs now; the caller then resumes it there.
    /// @return false: `home` accepts no work, and the task stays where it is @throws std::bad_alloc
    [[nodiscard]] static bool move(promise_base& p, const std::shared_ptr<executor_backend>& home);

private:
    /// An executor to which the task has moved. Kept until the task ends: work that it started there may refer to it.
    struct place {
        std::shared_ptr<executor_backend> home;
        task_info info;
        work_root root;
    };

    explicit home_change(promise_base& p) noexcept;
    ~home_change() = default;
    [[nodiscard]] static home_change* find_for(promise_base& p) noexcept;
    [[nodiscard]] place& place_of(const std::shared_ptr<executor_backend>& home);
    [[nodiscard]] bool enter(const std::shared_ptr<executor_backend>& home);
    static std::coroutine_handle<> on_end(completion* c, std::coroutine_handle<> ended) noexcept;
    static void on_return(work_item* item) noexcept;
    [[nodiscard]] std::coroutine_handle<> end_at_first_home() noexcept;

    promise_base& task_;
    environment* const first_env_;
    std::uintptr_t continuation_;  // of the task, at its first home
    stop_state stop_;
    environment env_;
    std::deque<place> places_;
    place* here_ = nullptr;  // null: at the first home
};

}  // namespace cadre::detail
