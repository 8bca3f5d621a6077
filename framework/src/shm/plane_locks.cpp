#include "shm/plane_locks.hpp"

#include <new>

namespace cadre::detail::shm {

namespace {

word (*far_words(const object_handle& handle) noexcept)[2] {
    return handle.far() != nullptr ? handle.far()->permits : nullptr;
}

/// Before the first use of this process's word. @throws std::bad_alloc
void commit_far_word(const object_handle& handle) {
    const unsigned self = handle.core().table.self().slot;
    const region& memory = handle.core().memory;
    if (is_far(self) && !memory.commit(memory.offset_of(handle.far()->permits[self - near_slots]), sizeof(word[2])))
        throw std::bad_alloc();
}

}  // namespace

plane_shared_lock::plane_shared_lock(std::shared_ptr<object_handle> handle)
    : plane_object(std::move(handle)), grants_(handle_->entry().lock, handle_->core().table.self()),
      core_(handle_->entry().lock, handle_->data().data, handle_->core().table.self(), far_words(*handle_)) {
    commit_far_word(*handle_);
}

bool plane_shared_lock::drained() const noexcept {
    return core_.drained([this](auto f) { handle_->core().objects.for_each_user(handle_->ref(), f); });
}

// An attempt that does not wait leaves no claim: it claims only a lock without sharers.
op_status plane_shared_lock::try_lock(bool& owner_died) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    if (!drained() || !core_.claim()) return op_status::would_block;
    if (drained()) return core_.enter(owner_died) ? op_status::done : op_status::broken;
    core_.unclaim();
    wake_waiters();
    return op_status::would_block;
}

op_status plane_shared_lock::try_lock_waiting(bool& claimed, bool& owner_died) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    if (!claimed) claimed = core_.claim();
    if (!claimed || !drained()) return op_status::would_block;
    claimed = false;
    return core_.enter(owner_died) ? op_status::done : op_status::broken;
}

void plane_shared_lock::unlock() noexcept {
    if (!handle_->here()) return;
    if (handle_->others_interested(0) && barged_.fetch_add(1, std::memory_order_relaxed) + 1 >= max_barging) {
        barged_.store(0, std::memory_order_relaxed);
        const auto result = hand_over(*handle_, grants_);
        if (result == hand_over_result::revoked) wake_waiters();
        if (result != hand_over_result::no_taker) return;
    }
    if (grants_.unlock()) wake_waiters();
}

op_status plane_shared_lock::try_lock_shared(bool& owner_died) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    if (handle_->interested(0))
        core_.want_shared();  // before the attempt: a process that frees the lock afterwards sees it
    using attempt = shared_lock_core<>::shared_attempt;
    const attempt a = core_.try_lock_shared(owner_died);
    if (a == attempt::blocked_last) wake_claimant();
    return a == attempt::shared ? op_status::done : op_status::would_block;
}

void plane_shared_lock::unlock_shared() noexcept {
    if (handle_->here() && core_.unlock_shared()) wake_claimant();
}

void plane_shared_lock::wake_claimant() noexcept {
    const auto claimant = core_.claimant();
    if (!claimant) return;
    process_table& table = handle_->core().table;
    if (*claimant == table.self())
        this->retry_waiters();
    else if (claimant->slot < handle_->core().memory.slots())
        table.ring(claimant->slot, handle_->ring_bit());
}

void plane_shared_lock::wake_waiters() noexcept {
    if (core_.wanted_shared())
        wake_all(0);
    else
        wake(0);
}

void plane_shared_lock::on_no_waiters(unsigned q) noexcept {
    grants_.revoke_grant(handle_->core().table.self());
    if (core_.wanted_shared() && ready(q)) handle_->ring_each(q);
}

plane_condition::plane_condition(std::shared_ptr<object_handle> handle)
    : plane_object(std::move(handle)), waiters_(handle_->data().data, far_words(*handle_)) {
    commit_far_word(*handle_);
}

condition_word<> plane_condition::mine() noexcept {
    return condition_word<>(waiters_.of(handle_->core().table.self().slot));
}

op_status plane_condition::try_take() noexcept {
    if (handle_->stopped()) return op_status::stopped;
    return mine().take() ? op_status::done : op_status::would_block;
}

// Waiters of this process and of others are notified first in turn; the others take turns among themselves.
void plane_condition::notify(std::uint32_t count) noexcept {
    if (!handle_->here()) return;
    const bool here_first = notify_count_.fetch_add(1, std::memory_order_relaxed) % 2 == 0;
    if (here_first) notify_here(count);
    if (count != 0)
        handle_->for_each_waiting(0, [&](unsigned slot) {
            const std::uint32_t given = condition_word<>(waiters_.of(slot)).grant(count);
            if (given != 0) handle_->core().table.ring(slot, handle_->ring_bit());
            count -= given;
            return count != 0;
        });
    if (!here_first) notify_here(count);
}

void plane_condition::notify_here(std::uint32_t& count) noexcept {
    if (count == 0 || !handle_->interested(0)) return;
    const std::uint32_t given = mine().grant(count);
    count -= given;
    if (given != 0) this->retry_waiters();
}

void recover_condition(const object_table& objects, object_ref o, const slot_counts<>& waiters,
                       process_id dead) noexcept {
    std::uint32_t left = condition_word<>(waiters.of(dead.slot)).clear();
    if (left == 0) return;
    objects.for_each_user(o, [&](unsigned slot) {
        left -= condition_word<>(waiters.of(slot)).grant(left);
        return left != 0;
    });
}

}  // namespace cadre::detail::shm
