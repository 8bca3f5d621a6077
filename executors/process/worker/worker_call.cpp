#include "process/worker/worker_call.hpp"

#include "process/worker/call_dispatcher.hpp"

#include <new>
#include <utility>

namespace cadre::detail::process_worker {

namespace {

// Calls end on any thread, so the list of free ones is the thread's own: one that ends elsewhere stays there.
struct free_calls {
    static constexpr unsigned most = 256;
    void* first = nullptr;
    unsigned count = 0;
    ~free_calls() {
        while (first != nullptr)
            ::operator delete(std::exchange(first, *static_cast<void**>(first)));
        count = most;
    }
};
thread_local free_calls recycled;

}  // namespace

void* worker_call::operator new(std::size_t size) {
    if (recycled.first == nullptr) return ::operator new(size);
    --recycled.count;
    return std::exchange(recycled.first, *static_cast<void**>(recycled.first));
}

void worker_call::operator delete(void* memory, std::size_t) noexcept {
    if (recycled.count >= free_calls::most) {
        ::operator delete(memory);
        return;
    }
    *static_cast<void**>(memory) = std::exchange(recycled.first, memory);
    ++recycled.count;
}

void worker_call::begin_item(std::uint32_t index) noexcept { runner_.item_begins(*this, index); }

void worker_call::commit_items(std::uint32_t items_done, byte_buffer bytes) noexcept {
    runner_.items_done(*this, items_done, bytes);
}

void worker_call::finish(call_reply reply) noexcept { runner_.finished(this, std::move(reply)); }

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

bool call_map::request_stop(std::uint64_t ticket, stop_reason why) noexcept {
    // The lock keeps the call alive while its stop state fires, which posts and never calls back.
    const std::lock_guard hold(mutex_);
    for (worker_call* call = bucket(ticket); call != nullptr; call = call->chain)
        if (call->ticket == ticket) {
            call->stop.request_stop(why);
            return true;
        }
    return false;
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
