/// @file
/// Restores process-wide state that MPI libraries change.
#pragma once

#include <array>
#include <csignal>
#include <vector>

namespace cadre::detail::mpi {

/// Constructed before an MPI library is loaded, initialised or finalised. `restore` restores the signal handlers that
/// the library replaced (Open MPI: ABRT, BUS, FPE, SEGV; UCX: SEGV) and sets close-on-exec on the descriptors that it
/// opened. Other threads should not change handlers in between: the guard would undo their changes.
class init_guard {
public:
    init_guard();
    void restore() noexcept;

private:
    std::array<struct sigaction, 65> handlers_;
    std::vector<bool> open_;
};

}  // namespace cadre::detail::mpi
