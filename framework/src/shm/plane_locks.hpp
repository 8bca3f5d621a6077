/// @file
/// Shared locks and conditions in shared memory, as one process sees them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "shm/plane_objects.hpp"
#include "shm/shared_lock_core.hpp"
#include "shm/slot_counts.hpp"

#include "state/condition_word.hpp"

namespace cadre::detail::shm {

class plane_shared_lock final : public plane_object<process_shared_lock> {
public:
    /// @throws std::bad_alloc
    explicit plane_shared_lock(std::shared_ptr<object_handle> handle);

    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override;
    [[nodiscard]] op_status try_lock_shared(bool& owner_died) noexcept override;
    void unlock_shared() noexcept override;
    [[nodiscard]] op_status try_lock_waiting(bool& claimed, bool& owner_died) noexcept override;
    void unclaim() noexcept override { core_.unclaim(); }

private:
    [[nodiscard]] bool ready(unsigned) const noexcept override { return grants_.available(); }
    void on_no_waiters(unsigned q) noexcept override;
    void withdrawn() noexcept override { wake_waiters(); }
    [[nodiscard]] bool drained() const noexcept;
    /// The lock has become free.
    void wake_waiters() noexcept;
    /// A process that has claimed the lock checks again whether it is shared.
    void wake_claimant() noexcept;

    lock_core<> grants_;
    shared_lock_core<> core_;
    std::atomic<unsigned> barged_{0};
};

class plane_condition final : public plane_object<shared_condition> {
public:
    /// @throws std::bad_alloc
    explicit plane_condition(std::shared_ptr<object_handle> handle);

    void enter() noexcept override { mine().enter(); }
    [[nodiscard]] op_status try_take() noexcept override;
    [[nodiscard]] bool withdraw() noexcept override { return mine().withdraw(); }
    void notify(std::uint32_t count) noexcept override;

private:
    // A notification names its process, so no ring is passed on.
    [[nodiscard]] bool ready(unsigned) const noexcept override { return false; }
    [[nodiscard]] condition_word<> mine() noexcept;
    void notify_here(std::uint32_t& count) noexcept;

    slot_counts<> waiters_;
    std::atomic<unsigned> notify_count_{0};
};

/// Supervisor: gives the notifications that waiters of the dead process have not taken to others.
void recover_condition(const object_table& objects, object_ref o, const slot_counts<>& waiters,
                       process_id dead) noexcept;

}  // namespace cadre::detail::shm
