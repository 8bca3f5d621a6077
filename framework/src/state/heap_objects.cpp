#include "heap_objects.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <cadre/detail/state_objects.hpp>

namespace cadre::detail {

heap_lock::heap_lock(std::shared_ptr<local_scope> scope) : local_object(std::move(scope)) { enlist(); }
heap_lock::~heap_lock() { resign(); }

void heap_lock::encode(encoder&) const { throw_local_handle("lock"); }

attempt heap_lock::try_lock(bool& owner_died) noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return attempt::stopped;
    bool expected = false;
    if (!held_.compare_exchange_strong(expected, true, std::memory_order_seq_cst)) return attempt::would_block;
    owner_died = false;
    return attempt::done;
}

void heap_lock::unlock() noexcept {
    held_.store(false, std::memory_order_seq_cst);
    if (interest_.any()) look_again();
}

void heap_lock::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    look_again();
}

heap_semaphore::heap_semaphore(std::shared_ptr<local_scope> scope, std::uint32_t permits)
    : local_object(std::move(scope)), free_(permits) {
    enlist();
}
heap_semaphore::~heap_semaphore() { resign(); }

void heap_semaphore::encode(encoder&) const { throw_local_handle("semaphore"); }

attempt heap_semaphore::try_acquire() noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return attempt::stopped;
    std::uint32_t free = free_.load(std::memory_order_seq_cst);
    while (free != 0)
        if (free_.compare_exchange_weak(free, free - 1, std::memory_order_seq_cst)) return attempt::done;
    return attempt::would_block;
}

void heap_semaphore::release(std::uint32_t n) noexcept {
    std::uint32_t free = free_.load(std::memory_order_relaxed);
    std::uint32_t sum;
    do {
        sum =
            n > std::numeric_limits<std::uint32_t>::max() - free ? std::numeric_limits<std::uint32_t>::max() : free + n;
    } while (!free_.compare_exchange_weak(free, sum, std::memory_order_seq_cst));
    if (interest_.any()) look_again();
}

std::uint32_t heap_semaphore::available() const noexcept { return free_.load(std::memory_order_acquire); }

void heap_semaphore::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    look_again();
}

heap_block::heap_block(std::shared_ptr<local_scope> scope, std::size_t size, std::size_t alignment)
    : lock_(std::move(scope)), size_(size), alignment_(std::max(alignment, alignof(std::max_align_t))),
      data_(::operator new(std::max<std::size_t>(size, 1), std::align_val_t{alignment_})) {
    std::memset(data_, 0, size_);
}

heap_block::~heap_block() { ::operator delete(data_, std::align_val_t{alignment_}); }

void heap_block::encode(encoder&) const { throw_local_handle("cell"); }

std::shared_ptr<shared_lock> make_heap_lock(std::shared_ptr<local_scope> scope) {
    return std::make_shared<heap_lock>(std::move(scope));
}

std::shared_ptr<shared_semaphore> make_heap_semaphore(std::shared_ptr<local_scope> scope, std::uint32_t permits) {
    return std::make_shared<heap_semaphore>(std::move(scope), permits);
}

std::shared_ptr<shared_block> make_heap_block(std::shared_ptr<local_scope> scope, std::size_t size,
                                              std::size_t alignment) {
    return std::make_shared<heap_block>(std::move(scope), size, alignment);
}

}  // namespace cadre::detail
