#include "process/worker/call_map.hpp"

#include <stop_token>
#include <thread>

namespace cadre::detail::process_worker {

void call_map::insert(worker_call& call) {
    const std::lock_guard hold(mutex_);
    if (size_ == buckets_.size()) grow();
    worker_call*& head = bucket(call.ticket);
    call.chain = head;
    head = &call;
    ++size_;
}

void call_map::erase(worker_call& call) noexcept {
    const std::lock_guard hold(mutex_);
    worker_call** at = &bucket(call.ticket);
    while (*at != &call)
        at = &(*at)->chain;
    *at = call.chain;
    --size_;
}

worker_call* call_map::find_locked(std::uint64_t ticket) noexcept {
    worker_call* call = bucket(ticket);
    while (call != nullptr && call->ticket != ticket)
        call = call->chain;
    return call;
}

bool call_map::try_request_stop(std::uint64_t ticket, stop_reason why) noexcept {
    // The lock keeps the call alive while its stop state fires. Callbacks of tokens run without it: they may end the
    // call.
    std::vector<std::stop_source> sources;
    {
        const std::lock_guard hold(mutex_);
        worker_call* const call = find_locked(ticket);
        if (call == nullptr) return false;
        call->stop.mark(why, sources);
    }
    stop_state::call_callbacks(sources);
    const std::lock_guard hold(mutex_);
    // Nothing is announced if the call has ended and another one has the ticket: the other call was not marked.
    if (worker_call* const call = find_locked(ticket); call != nullptr) call->stop.announce();
    return true;
}

// The parent sends a stop only for a call that it saw claimed, and `begin_claim` precedes the claim: either that is
// seen here, or the call is in the map already, or it has finished.
void call_map::request_stop(std::uint64_t ticket, stop_reason why) noexcept {
    if (try_request_stop(ticket, why)) return;
    while (claiming_.load(std::memory_order_acquire))
        std::this_thread::yield();
    (void)try_request_stop(ticket, why);
}

void call_map::grow() {
    std::vector<worker_call*> old(buckets_.size() * 2);
    old.swap(buckets_);
    for (worker_call* call : old)
        while (call != nullptr) {
            worker_call* const next = call->chain;
            worker_call*& head = bucket(call->ticket);
            call->chain = head;
            head = call;
            call = next;
        }
}

}  // namespace cadre::detail::process_worker
