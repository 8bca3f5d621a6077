#include <cadre/detail/call/job_state.hpp>

#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "base/host_name.hpp"

namespace cadre::detail {

pid_t this_process_id() noexcept { return ::getpid(); }

std::string this_host() { return host_name(); }

void throw_empty_job() { throw std::logic_error("this cadre::job refers to no work: it is empty or was moved from"); }
void throw_awaited_job() { throw std::logic_error("this cadre::job was awaited before: its result is taken once"); }

job_state_base::job_state_base() {
    const environment* env = current_environment();
    stop_.follow(env != nullptr ? env->stop : nullptr);
}

job_state_base::~job_state_base() { stop_.unfollow(); }

bool job_state_base::wait(job_wait& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.waiting.prepare(h, env, nullptr, wait_kind::job);
    w.pass_stop_on.emplace(
        env != nullptr ? env->stop : nullptr,
        [](void* job, stop_reason why) noexcept { static_cast<job_state_base*>(job)->request_stop(why); }, this);
    return add(w.waiting) && w.waiting.commit();
}

// The thread that would end the work is not in the fork, and it may hold the mutex.
void job_state_base::end_in_fork() noexcept {
    if (!ready() && fail_in_fork()) ready_.store(true, std::memory_order_release);
}

bool job_state_base::add(waiter& w) noexcept {
    end_in_fork();
    if (ready()) return false;
    const std::lock_guard hold(mutex_);
    if (ready()) return false;
    waiting_.push_back(w);
    return true;
}

bool job_state_base::remove(waiter& w) noexcept {
    const std::lock_guard hold(mutex_);
    if (!waiting_.contains(w)) return false;
    waiting_.remove(w);
    return true;
}

void job_state_base::announce() noexcept {
    served_waiters served;
    std::shared_ptr<completion_queue> queue;
    {
        const std::lock_guard hold(mutex_);
        ready_.store(true, std::memory_order_release);
        while (waiter* const w = waiting_.pop_front())
            served.add(*w);
        queue = std::move(queue_);
    }
    if (queue != nullptr) queue->push(*completion_);
    served.finish();
}

void job_state_base::notify(std::shared_ptr<completion_queue> queue, completion_queue::node& node) {
    end_in_fork();
    if (!ready()) {
        const std::lock_guard hold(mutex_);
        if (!ready()) {
            completion_ = &node;
            queue_ = std::move(queue);
            return;
        }
    }
    queue->push(node);
}

}  // namespace cadre::detail
