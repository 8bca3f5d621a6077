/// @file
/// Undoes what MPI libraries do to a process beside their task.
#pragma once

#include <array>
#include <csignal>
#include <vector>

namespace cadre::detail::mpi {

/// Made before an MPI library is loaded, initialised or finalised; `restore` puts the signal handlers back that it replaced (Open MPI:
/// ABRT, BUS, FPE, SEGV; UCX: SEGV) and closes the descriptors that it opened on `exec`. Other threads should not change handlers in
/// between: the guard cannot tell whose change it undoes.
class init_guard {
public:
    init_guard();
    void restore() noexcept;

private:
    std::array<struct sigaction, 65> handlers_;
    std::vector<bool> open_;
};

}  // namespace cadre::detail::mpi
