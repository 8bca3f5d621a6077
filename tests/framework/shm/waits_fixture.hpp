// Waits for locks, conditions and changes without a coroutine, in processes of a test.
#pragma once

#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/lock_operation.hpp>

#include "framework/shm/plane_fixture.hpp"

namespace shm_test {

using cadre::detail::lock_mode;
using cadre::detail::lock_wait;
using cadre::detail::process_lock;
using cadre::detail::process_shared_lock;
using cadre::detail::shared_block;
using cadre::detail::shared_condition;

/// Never committed, so finishing it resumes nothing.
template <lock_mode Mode>
struct waiting_lock : lock_wait {
    explicit waiting_lock(process_lock& lock) {
        object = &lock;
        try_now = &lock_wait::retry<Mode>;
        if constexpr (Mode == lock_mode::exclusive) withdraw = &lock_wait::withdraw_claim;
        prepare(std::noop_coroutine(), nullptr, &shared_object::cancel);
    }
    [[nodiscard]] bool ended() const { return outcome != op_status::would_block; }
};

struct waiting_for_notification : shared_object::pending_operation {
    explicit waiting_for_notification(shared_condition& condition) {
        object = &condition;
        try_now = [](pending_operation& p) noexcept { return static_cast<shared_condition*>(p.object)->try_take(); };
        withdraw = [](pending_operation& p) noexcept { return static_cast<shared_condition*>(p.object)->withdraw(); };
        prepare(std::noop_coroutine(), nullptr, &shared_object::cancel);
    }
    [[nodiscard]] bool park() {
        auto& condition = static_cast<shared_condition&>(*object);
        condition.enter();
        return condition.park(*this);
    }
    [[nodiscard]] bool ended() const { return outcome != op_status::would_block; }
};

/// Until the first word of a block is not 0.
struct waiting_for_word : shared_object::pending_operation {
    explicit waiting_for_word(shared_block& block) {
        object = &block;
        queue = shared_block::changes;
        independent = true;
        try_now = [](pending_operation& p) noexcept {
            return cadre::detail::block_word(*static_cast<shared_block*>(p.object), 0).load() != 0
                       ? op_status::done
                       : op_status::would_block;
        };
        prepare(std::noop_coroutine(), nullptr, &shared_object::cancel);
    }
    [[nodiscard]] bool ended() const { return outcome != op_status::would_block; }
};

/// Takes the lock in a process of its own loop. @return false if that lasts too long
template <lock_mode Mode>
bool take(shm::state_plane& p, process_lock& lock, bool& owner_died) {
    waiting_lock<Mode> w(lock);
    if (lock.park(w) && !drive(p, [&] { return w.ended(); })) return false;
    owner_died = w.owner_died;
    return w.outcome == op_status::done;
}

}  // namespace shm_test
