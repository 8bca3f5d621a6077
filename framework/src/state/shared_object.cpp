#include <cadre/detail/state/memory_domain.hpp>

namespace cadre::detail {

// One thread at a time serves the waiters; requests are counted, and a request that arrives meanwhile is served by the
// serving thread. So an operation tried for a waiter may itself request a retry, on this thread or another, without
// recursion.
//
// The count is never zero while an operation is tried, or its request would serve here, under the mutex that it needs.
// `serve` subtracts what it has counted only after a pass under the mutex. `park` counts with the mutex held: the pass
// that covers it begins after `park` has released the mutex.

bool shared_object::park(pending_operation& p) noexcept {
    p.object = this;
    p.outcome = op_status::would_block;
    bool serves = false;
    bool queued = true;
    {
        const std::lock_guard hold(mutex_);
        serves = retry_requests_.fetch_add(1, std::memory_order_acq_rel) == 0;
        wait_list& queue = queues_[p.queue];
        const bool first = queue.empty();
        // Publish the interest, then try: a process that makes the operation possible after it failed sees the
        // interest.
        if (first) interest(p.queue, true);
        if (first || p.independent) {
            p.outcome = p.try_now(p);
            queued = p.outcome == op_status::would_block;
        }
        if (queued) {
            queue.push_back(p);
            waiting_[p.queue].fetch_add(1, std::memory_order_acq_rel);
        } else if (first) {
            interest(p.queue, false);
        }
    }
    // From here `p` may be finished but not resumed, because its coroutine commits the wait after this function. So the
    // object, which the coroutine keeps alive, still exists.
    if (serves) serve();
    return queued;
}

void shared_object::cancel(waiter& w) noexcept {
    auto& p = static_cast<pending_operation&>(w);
    p.object->cancel_wait(p);
}

void shared_object::cancel_wait(pending_operation& p) noexcept {
    bool reverted = true;
    if (!dequeue(p, reverted)) return;
    if (reverted)
        p.finish_cancelled();
    else
        p.finish();
}

bool shared_object::remove(pending_operation& p) noexcept {
    bool reverted = true;
    return dequeue(p, reverted);
}

bool shared_object::dequeue(pending_operation& p, bool& reverted) noexcept {
    bool was_first = false;
    {
        const std::lock_guard hold(mutex_);
        wait_list& queue = queues_[p.queue];
        if (!queue.contains(p)) return false;
        was_first = !p.independent && queue.front() == &p;
        if (p.withdraw != nullptr) reverted = p.withdraw(p);
        queue.remove(p);
        waiting_[p.queue].fetch_sub(1, std::memory_order_acq_rel);
        if (queue.empty()) {
            interest(p.queue, false);
            was_first = false;
        }
    }
    // The next waiter may ask for less than `p`. The coroutine of `p` keeps the object alive until it has been
    // finished.
    if (p.withdraw != nullptr) withdrawn();
    if (was_first) retry_waiters();
    return true;
}

void shared_object::retry_waiters() noexcept {
    if (retry_requests_.fetch_add(1, std::memory_order_acq_rel) == 0) serve();
}

void shared_object::serve() noexcept {
    std::uint32_t requests = retry_requests_.load(std::memory_order_acquire);
    for (;;) {
        served_waiters served;
        {
            const std::lock_guard hold(mutex_);
            for (unsigned q = 0; q != 2; ++q) {
                wait_list& queue = queues_[q];
                if (queue.empty()) continue;
                for (waiter& w : queue) {
                    auto& p = static_cast<pending_operation&>(w);
                    p.outcome = p.try_now(p);
                    if (p.outcome == op_status::would_block) {
                        if (p.independent) continue;
                        break;
                    }
                    queue.remove(p);
                    waiting_[q].fetch_sub(1, std::memory_order_acq_rel);
                    served.add(p);
                }
                if (queue.empty()) interest(q, false);
            }
        }
        served.finish();
        const std::uint32_t before = retry_requests_.fetch_sub(requests, std::memory_order_acq_rel);
        if (before == requests) return;
        requests = before - requests;
    }
}

}  // namespace cadre::detail
