#include "state/home_locks.hpp"

namespace cadre::detail {

op_status home_shared_lock::try_lock(bool& owner_died) noexcept {
    const op_status outcome = heap_shared_lock::try_lock(owner_died);
    if (outcome == op_status::done) owner_died = died_.exchange(false, std::memory_order_acq_rel);
    return outcome;
}

op_status home_shared_lock::try_lock_shared(bool& owner_died) noexcept {
    const op_status outcome = heap_shared_lock::try_lock_shared(owner_died);
    if (outcome == op_status::done) owner_died = died_.load(std::memory_order_acquire);
    return outcome;
}

void home_shared_lock::owner_died() noexcept {
    died_.store(true, std::memory_order_release);
    unlock();
}

std::shared_ptr<process_lock> lock_of(const std::shared_ptr<shared_object>& object) noexcept {
    if (auto lock = std::dynamic_pointer_cast<process_lock>(object)) return lock;
    if (const auto cell = std::dynamic_pointer_cast<home_cell>(object)) return {cell, &cell->owned()};
    return nullptr;
}

void release_dead_owner(process_lock& lock) noexcept {
    if (auto* const shared = dynamic_cast<home_shared_lock*>(&lock))
        shared->owner_died();
    else
        static_cast<recoverable_lock&>(lock).owner_died();
}

}  // namespace cadre::detail
