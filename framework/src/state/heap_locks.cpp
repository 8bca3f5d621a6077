#include "state/heap_locks.hpp"

#include <utility>

#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

heap_shared_lock::heap_shared_lock(std::shared_ptr<object_registry> registry) : registered_object(std::move(registry)) {
    add_to_registry();
}
heap_shared_lock::~heap_shared_lock() { remove_from_registry(); }

void heap_shared_lock::encode(encoder&) const { throw_local_handle("lock"); }

op_status heap_shared_lock::try_lock(bool& owner_died) noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return op_status::stopped;
    std::uint64_t expected = 0;
    if (!state_.compare_exchange_strong(expected, owned, std::memory_order_seq_cst)) return op_status::would_block;
    owner_died = false;
    return op_status::done;
}

void heap_shared_lock::unlock() noexcept {
    state_.fetch_sub(owned, std::memory_order_seq_cst);
    if (interest_.any()) retry_waiters();
}

op_status heap_shared_lock::try_lock_shared(bool& owner_died) noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return op_status::stopped;
    // Not read before: with the cache line only shared, the addition would have to wait for it a second time.
    if ((state_.fetch_add(1, std::memory_order_seq_cst) & owned) != 0) {
        unlock_shared();  // an attempt to own the lock may have failed because of this
        return op_status::would_block;
    }
    owner_died = false;
    return op_status::done;
}

void heap_shared_lock::unlock_shared() noexcept {
    if (state_.fetch_sub(1, std::memory_order_seq_cst) == 1 && interest_.any()) retry_waiters();
}

void heap_shared_lock::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    retry_waiters();
}

heap_condition::heap_condition(std::shared_ptr<object_registry> registry) : registered_object(std::move(registry)) {
    add_to_registry();
}
heap_condition::~heap_condition() { remove_from_registry(); }

void heap_condition::encode(encoder&) const { throw_local_handle("condition variable"); }

op_status heap_condition::try_take() noexcept {
    if (stopped_.load(std::memory_order_seq_cst)) return op_status::stopped;
    return waiters().take() ? op_status::done : op_status::would_block;
}

void heap_condition::stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    retry_waiters();
}

}  // namespace cadre::detail
