/// @file
/// The messages of a run over MPI.
#pragma once

#include "node/node_link.hpp"

#include <memory>

namespace cadre::detail::mpi {

struct mpi_options {
    /// Whether the program runs calls itself: of the other ranks on its host none serves then.
    bool program_serves = true;
};

/// A link whose `node_id`s are ranks: rank 0 is the program. Of several ranks on one host the lowest serves and the others sleep until
/// the end; if the whole job runs on one host (a trial), each rank serves, and likewise if CADRE_MPI_EACH_RANK is set. The set of ranks
/// is fixed: each serving one joins soon after `start`, which blocks until all ranks have come to MPI_Init, and none joins later.
///
/// A thread of the link owns MPI: it loads the library, initialises it and ends it. It polls for 20 µs after the last message, then
/// sleeps a tenth of the time since then, 1 ms at most, and 10 ms after a second.
///
/// `stop` in the program tells all ranks to leave and waits for them; `stop` in an agent waits for the program to let MPI end. If the
/// deadline passes first, MPI is not finalised, and the launcher ends the job when this process exits. A program that ends by `exit`
/// without `stop` stops the link in an exit handler.
///
/// An agent that fails takes the job along, unless MPI reports it (Open MPI 5, `mpirun --with-ft ulfm`). Not `redelivers`.
[[nodiscard]] std::unique_ptr<node::node_link> make_mpi_link(const mpi_options& options);

/// For a program that has not started its link: joins the agents, which wait in MPI_Init, and leaves, so that the job ends in order.
/// Does nothing without a launcher, and after a link has started.
void leave_unused_mpi() noexcept;

}  // namespace cadre::detail::mpi
