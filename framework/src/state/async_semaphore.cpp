#include <cadre/async_semaphore.hpp>

#include <string>

#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre {

using detail::op_status;
using detail::permit_wait;
using detail::shared_object;

bool async_semaphore::acquire_operation::await_ready() noexcept {
    check_.awaited();
    if (!from_->has_waiters(0)) outcome_ = from_->try_acquire(count_);
    return outcome_ != op_status::would_block && detail::task_may_continue();
}

bool async_semaphore::acquire_operation::suspend(std::coroutine_handle<> handle, detail::environment* env) noexcept {
    permit_wait& wait = wait_.emplace();
    wait.count = count_;
    wait.object = from_.get();
    wait.try_now = &permit_wait::retry;
    if (outcome_ != op_status::would_block) {
        wait.outcome = outcome_;
        wait.prepare(handle, env, nullptr);
        return detail::defer_home(wait);
    }
    wait.prepare(handle, env, &shared_object::cancel, detail::wait_kind::permits);
    return from_->park(wait) && wait.commit();
}

async_semaphore::permit async_semaphore::acquire_operation::await_resume() {
    if (wait_) {
        wait_->complete();
        outcome_ = wait_->outcome;
    }
    detail::require_alive(outcome_);
    return permit(std::move(from_), count_);
}

std::optional<async_semaphore::permit> async_semaphore::try_acquire_permits(std::uint32_t n) const {
    if (semaphore_->has_waiting_tasks(0)) return std::nullopt;
    const op_status outcome = semaphore_->try_acquire(n);
    if (outcome == op_status::would_block) return std::nullopt;
    detail::require_alive(outcome);
    return permit(semaphore_, n);
}

void async_semaphore::release_permits(std::uint32_t n) const {
    if (!semaphore_->release(n))
        throw std::overflow_error("cadre::async_semaphore: release(" + std::to_string(n) +
                                  ") would make more than 4294967295 permits");
}

async_semaphore async_semaphore::decode_handle(detail::decoder& in) {
    return async_semaphore(detail::domain_of(in).take_semaphore(in));
}

}  // namespace cadre
