#include <cadre/async_condition_variable.hpp>

#include <coroutine>
#include <exception>
#include <stdexcept>

#include <cadre/errors.hpp>
#include <cadre/stop.hpp>

namespace cadre {

namespace detail {

namespace {

/// Counts itself as a waiter, queues itself, unlocks, in this order: a notifier that takes the lock afterwards finds
/// the waiter.
class notification {
public:
    using resumes_at_home = void;
    notification(shared_condition& condition, held_lock& lock) noexcept : lock_(&lock) {
        wait_.object = &condition;
        wait_.try_now = [](shared_object::pending_operation& p) noexcept {
            return static_cast<shared_condition*>(p.object)->try_take();
        };
        wait_.withdraw = [](shared_object::pending_operation& p) noexcept {
            if (static_cast<shared_condition*>(p.object)->withdraw()) return true;
            p.outcome = op_status::done;
            return false;
        };
    }

    [[nodiscard]] static constexpr bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        auto& condition = static_cast<shared_condition&>(*wait_.object);
        wait_.prepare(handle, environment_of(handle), &shared_object::cancel, wait_kind::notification);
        condition.enter();
        if (!condition.park(wait_)) return false;
        lock_->unlock();
        return wait_.commit();
    }
    void await_resume() {
        wait_.complete();
        require_alive(wait_.outcome);
    }

private:
    shared_object::pending_operation wait_;
    held_lock* lock_;
};

template <lock_mode Mode>
task<void> lock_again(std::shared_ptr<process_lock> from, held_lock& into) {
    auto store = [&into](held_lock held) { into = std::move(held); };
    co_await lock_operation<decltype(store), Mode>(std::move(from), store);
}

}  // namespace

task<void> wait_for_notification(std::shared_ptr<shared_condition> condition, held_lock& lock) {
    if (!lock.owns())
        throw std::logic_error("cadre::async_condition_variable: wait(guard) of a guard that owns no lock");
    const std::shared_ptr<process_lock> source = lock.lock();
    const lock_mode mode = lock.mode();
    std::exception_ptr failure;
    try {
        co_await notification(*condition, lock);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!lock.owns()) {
        task<void> again = mode == lock_mode::simple      ? lock_again<lock_mode::simple>(source, lock)
                           : mode == lock_mode::exclusive ? lock_again<lock_mode::exclusive>(source, lock)
                                                          : lock_again<lock_mode::shared>(source, lock);
        co_await shield(std::move(again));
    }
    if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace detail

async_condition_variable async_condition_variable::decode_handle(detail::decoder& in) {
    return async_condition_variable(detail::domain_of(in).take_condition(in));
}

}  // namespace cadre
