/// @file
/// `resume_on`: move the running coroutine to another serial or thread executor.
///
///     cadre::thread_executor pool{{.workers = 2}};
///     co_await cadre::resume_on(pool);     // from here on this coroutine runs on the pool
#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/resume_item.hpp>
#include <cadre/detail/task/home_change.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>

namespace cadre {

namespace detail {

class [[nodiscard]] resume_on_awaiter {
public:
    using resumes_at_home = void;
    explicit resume_on_awaiter(std::shared_ptr<executor_backend> home) noexcept : home_(std::move(home)) {}
    resume_on_awaiter(resume_on_awaiter&& other) noexcept : home_(std::move(other.home_)) {}
    resume_on_awaiter& operator=(resume_on_awaiter&&) = delete;
    ~resume_on_awaiter() { check_awaited(home_ == nullptr, "resume_on()"); }

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) {
        static_assert(std::derived_from<Promise, promise_base>,
                      "resume_on moves a task; the body of a stream runs at the home of its consumer");
        promise_base& promise = h.promise();
        const std::shared_ptr<executor_backend> home = std::exchange(home_, nullptr);
        if (promise.cadre_environment()->home == home.get()) {
            item_.prepare(h, promise.cadre_environment());
            return make_way(item_);
        }
        refused_ = !home_change::move(promise, home);
        if (refused_) return false;
        item_.prepare(h, promise.cadre_environment());
        post_home(item_);
        return true;
    }
    void await_resume() const {
        if (refused_) throw executor_stopped{};
    }

private:
    std::shared_ptr<executor_backend> home_;  // null after the await
    bool refused_ = false;
    resume_item item_;
};

}  // namespace detail

/// Makes `ex` the home of the running coroutine: it continues there and resumes there from every later await, and what
/// it awaits and spawns has that home, too. The task that awaits this coroutine resumes at its own home. A
/// `scope` keeps the home at which it was made. `ex` counts the coroutine as its work, until it ends or moves on.
///
/// @throws executor_stopped if `ex` has been shut down: then the coroutine stays where it is.
///
/// Stop: not a cancellation point. Resumes: on `ex`. Not for the bodies of streams, which do not compile with it.
[[nodiscard]] inline detail::resume_on_awaiter resume_on(const local_executor& ex) {
    return detail::resume_on_awaiter(ex.handle().backend());
}

CADRE_REFUSE_OTHERS(
    resume_on,
    "cadre::resume_on(ex) takes a serial_executor or a thread_executor: a coroutine does not leave its process");

}  // namespace cadre
