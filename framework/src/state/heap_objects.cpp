#include "state/heap_objects.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

heap_lock::heap_lock(std::shared_ptr<object_registry> registry) : registered_object(std::move(registry)) {
    add_to_registry();
}
heap_lock::~heap_lock() { remove_from_registry(); }

void heap_lock::encode(encoder&) const { throw_local_handle("lock"); }

op_status heap_lock::try_lock(bool& owner_died) noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return op_status::stopped;
    bool expected = false;
    if (!held_.compare_exchange_strong(expected, true, std::memory_order_seq_cst)) return op_status::would_block;
    owner_died = false;
    return op_status::done;
}

void heap_lock::unlock() noexcept {
    held_.store(false, std::memory_order_seq_cst);
    if (interest_.any()) retry_waiters();
}

void heap_lock::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    retry_waiters();
}

heap_semaphore::heap_semaphore(std::shared_ptr<object_registry> registry, std::uint32_t permits)
    : registered_object(std::move(registry)), total_(permits), free_(permits) {
    add_to_registry();
}
heap_semaphore::~heap_semaphore() { remove_from_registry(); }

void heap_semaphore::encode(encoder&) const { throw_local_handle("semaphore"); }

op_status heap_semaphore::try_acquire(std::uint32_t n) noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return op_status::stopped;
    std::uint32_t free = free_.load(std::memory_order_seq_cst);
    while (free >= n)
        if (free_.compare_exchange_weak(free, free - n, std::memory_order_seq_cst)) return op_status::done;
    return op_status::would_block;
}

void heap_semaphore::give_back(std::uint32_t n) noexcept {
    free_.fetch_add(n, std::memory_order_seq_cst);
    if (interest_.any()) retry_waiters();
}

void heap_semaphore::forget(std::uint32_t n) noexcept { total_.fetch_sub(n, std::memory_order_relaxed); }

bool heap_semaphore::release(std::uint32_t n) noexcept {
    std::uint32_t total = total_.load(std::memory_order_relaxed);
    do
        if (n > std::numeric_limits<std::uint32_t>::max() - total) return false;
    while (!total_.compare_exchange_weak(total, total + n, std::memory_order_relaxed));
    give_back(n);
    return true;
}

std::uint32_t heap_semaphore::available() const noexcept { return free_.load(std::memory_order_acquire); }

void heap_semaphore::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    retry_waiters();
}

heap_block::heap_block(const std::shared_ptr<object_registry>& registry, std::size_t size, std::size_t alignment)
    : registered_object(registry), lock_(registry), size_(size),
      data_(nullptr, aligned_delete{std::max(alignment, alignof(std::max_align_t))}) {
    data_.reset(::operator new(std::max<std::size_t>(size, 1), std::align_val_t{data_.get_deleter().alignment}));
    std::memset(data_.get(), 0, size_);
    add_to_registry();
}

heap_block::~heap_block() { remove_from_registry(); }

void heap_block::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    retry_waiters();
}

void heap_block::encode(encoder&) const { throw_local_handle("cell"); }

}  // namespace cadre::detail
