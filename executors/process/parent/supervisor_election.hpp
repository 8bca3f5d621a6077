/// @file
/// Elects the supervisor that handles the state plane while the application's loop computes: one per program at a time.
#pragma once

namespace cadre::detail::process_parent {

/// One supervisor's candidacy. The oldest is the leader; when it leaves, the next is woken and succeeds it.
class supervisor_election {
public:
    /// @param bell wakes this supervisor
    explicit supervisor_election(int bell);
    supervisor_election(const supervisor_election&) = delete;
    supervisor_election& operator=(const supervisor_election&) = delete;
    ~supervisor_election();

    [[nodiscard]] bool is_leader() const noexcept;
    /// Readable when the state plane needs its supervisor; for the leader.
    [[nodiscard]] int descriptor() const noexcept;
    /// The leader announces its sleep and polls once more. @return whether there was work: do not sleep
    [[nodiscard]] bool before_sleep() noexcept;
    void after_sleep() noexcept;
};

}  // namespace cadre::detail::process_parent
