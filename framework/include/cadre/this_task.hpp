/// @file
/// `this_task`: awaitables about the running task. They do not wait: a task suspends in one of them only to make way
/// for others, as in every await.
///
///     std::stop_token token = co_await cadre::this_task::stop_token();
#pragma once

#include <coroutine>
#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/resume_item.hpp>
#include <cadre/executor.hpp>

namespace cadre::this_task {

namespace detail {

template <class Get>
class [[nodiscard]] environment_query {
public:
    using resumes_at_home = void;
    environment_query() noexcept = default;
    environment_query(environment_query&& other) noexcept
        : check_(std::move(other.check_)) {}  // moved only before it is awaited
    environment_query& operator=(environment_query&&) = delete;
    ~environment_query() = default;
    [[nodiscard]] bool await_ready() noexcept {
        check_.awaited();
        return false;
    }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        env_ = cadre::detail::environment_of_promise(h);
        if (cadre::detail::task_may_continue()) [[likely]]
            return false;
        item_.prepare(h, env_);
        return cadre::detail::defer_home(item_);
    }
    [[nodiscard]] auto await_resume() const { return Get{}(*env_); }

private:
    cadre::detail::environment* env_ = nullptr;
    cadre::detail::resume_item item_;
    cadre::detail::await_check<cadre::detail::awaitable_kind::query> check_;
};

struct get_token {
    std::stop_token operator()(const cadre::detail::environment& env) const {
        return env.stop != nullptr ? env.stop->token() : std::stop_token{};
    }
};
struct get_executor {
    cadre::executor operator()(const cadre::detail::environment& env) const {
        return cadre::executor(env.info->executor);
    }
};
struct get_name {
    std::string operator()(const cadre::detail::environment& env) const { return env.info->name; }
};
struct get_id {
    std::uint64_t operator()(const cadre::detail::environment& env) const { return env.info->id; }
};

}  // namespace detail

/// A token that follows the stop requests of this task.
[[nodiscard]] inline auto stop_token() noexcept { return detail::environment_query<detail::get_token>(); }
/// The executor to which this task was sent: its home, or in a worker process the process executor.
[[nodiscard]] inline auto executor() noexcept { return detail::environment_query<detail::get_executor>(); }
/// The name given with `executor::with`; may be empty.
[[nodiscard]] inline auto name() noexcept { return detail::environment_query<detail::get_name>(); }
/// Unique among the tasks of this program.
[[nodiscard]] inline auto id() noexcept { return detail::environment_query<detail::get_id>(); }

}  // namespace cadre::this_task
