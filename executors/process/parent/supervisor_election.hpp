/// @file
/// Looking after the state plane while the application's loop computes: one supervisor of the program at a time does it.
#pragma once

namespace cadre::detail::process_parent {

/// One supervisor's part in it. The first in a list of all has the duty; when it goes, the next is woken and takes over.
class supervisor_election {
public:
    /// @param bell wakes this supervisor
    explicit supervisor_election(int bell);
    supervisor_election(const supervisor_election&) = delete;
    supervisor_election& operator=(const supervisor_election&) = delete;
    ~supervisor_election();

    [[nodiscard]] bool mine() const noexcept;
    /// What to wait on while the duty is ours: readable when the state plane wants its supervisor.
    [[nodiscard]] int descriptor() const noexcept;
    /// Says asleep and looks once more. @return whether there was something, so do not sleep
    [[nodiscard]] bool before_sleep() noexcept;
    void after_sleep() noexcept;
};

}  // namespace cadre::detail::process_parent
