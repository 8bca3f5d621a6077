/// @file
/// The thread-side of a local executor: the deque that forks push to, and how to hand work to other threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/work_deque.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// One worker of a local executor (a thread of a pool, or a serial loop). `this_thread_worker` is set while its
/// thread runs items.
class local_worker {
public:
    local_worker(executor_backend* backend, std::size_t index) noexcept : backend_(backend), index_(index) {}
    virtual ~local_worker() = default;

    [[nodiscard]] executor_backend* backend() const noexcept { return backend_; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }

    /// Work that other workers may steal; the youngest is run first, here.
    void fork(std::span<work_item* const> items) {
        deque_.push(items);
        announce();
    }
    void fork(work_item* item) {
        deque_.push(item);
        announce();
    }
    /// Behind everything that is queued now.
    virtual void defer(work_item* item) noexcept = 0;

    [[nodiscard]] work_deque& deque() noexcept { return deque_; }

protected:
    /// Set by a pool whose idle workers sleep; see thread_pool.
    std::atomic<std::uint32_t>* sleepers_ = nullptr;
    virtual void wake_one() noexcept {}

private:
    // Pairs with a worker going to sleep: it adds itself to `sleepers_`, issues a heavy fence, and looks at every deque
    // once more. Either it sees the new item or this sees the sleeper.
    void announce() noexcept {
        if (sleepers_ == nullptr) return;
        light_fence();
        if (sleepers_->load(std::memory_order_relaxed) != 0) [[unlikely]]
            wake_one();
    }

    work_deque deque_;
    executor_backend* backend_;
    std::size_t index_;
};

extern constinit thread_local local_worker* this_thread_worker;

/// The worker whose thread this is, if it belongs to `backend`.
[[nodiscard]] inline local_worker* worker_of(const executor_backend* backend) noexcept {
    local_worker* w = this_thread_worker;
    return w != nullptr && w->backend() == backend ? w : nullptr;
}

/// Runs `item` at the home of its environment: posts, never inline.
void post_home(work_item& item) noexcept;

}  // namespace cadre::detail
