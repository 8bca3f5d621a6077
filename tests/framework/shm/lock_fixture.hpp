// The lock of a test's plane, used by processes that die.
#pragma once

#include "framework/shm/processes.hpp"

#include "shm/lock_core.hpp"

namespace shm_test {

/// The only object of the plane.
inline shm::object_entry& only_entry(shm::state_plane& p) { return p.memory().object(0, 0); }

/// Acquires the lock of `only_entry` and dies as soon as it has granted it to `to`.
inline void grant_and_die(shm::state_plane& p, shm::process_id to) {
    shm::lock_core<killer> core(only_entry(p).lock, p.self());
    bool died = false;
    static_cast<void>(core.try_lock(died));
    killer::arm(shm::step::lock_granted);
    core.grant(to);
}

/// Acquires the lock, which no process holds.
inline void expect_free(cadre::detail::process_lock& lock, bool owner_died = false) {
    bool died = !owner_died;
    EXPECT_EQ(lock.try_lock(died), op_status::done);
    EXPECT_EQ(died, owner_died);
}

}  // namespace shm_test
