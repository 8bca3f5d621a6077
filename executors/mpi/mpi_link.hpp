/// @file
/// The link over MPI.
#pragma once

#include "node/node_link.hpp"

#include <memory>

namespace cadre::detail::mpi {

struct mpi_options {
    /// Whether the program runs calls itself. If so, no other rank on its host runs calls.
    bool program_serves = true;
};

/// A link whose `node_id`s are ranks; rank 0 is the program. Of several ranks on one host only the lowest is an agent,
/// and the others sleep until the end. If the whole job runs on one host (a trial), or if CADRE_MPI_EACH_RANK is set,
/// each rank is an agent. The set of ranks is fixed: `start` blocks until all ranks have reached MPI_Init, agents join
/// soon after, and none joins later.
///
/// A thread of the link loads, initialises and finalises MPI. The loop that drives the process polls for messages, and
/// raises the events. While it sleeps or computes, the thread of the link does so: it polls for 20 to 100 µs after the
/// link has sent a message, then sleeps a tenth of the time since then, 1 ms at most, and 30 ms after a second.
///
/// `stop` in the program ends all ranks and waits for them; `stop` in an agent waits until the program lets it finalise
/// MPI. If the deadline passes first, MPI is not finalised, and the launcher ends the job when this process exits. A
/// program that ends by `exit` without `stop` stops the link in an exit handler.
///
/// If an agent fails, the launcher ends the job, unless MPI reports the failure (Open MPI 5, `mpirun --with-ft ulfm`).
/// The link does not redeliver work.
[[nodiscard]] std::unique_ptr<node::node_link> make_mpi_link(const mpi_options& options);

/// For a program that has not started a link: joins the agents, which wait in MPI_Init, and leaves, so that the job
/// ends in order. No effect without a launcher, or after a link has started.
void leave_unused_mpi() noexcept;

}  // namespace cadre::detail::mpi
