/// @file
/// What the functions of the link, which any thread may call, share with the engine: requests, and whose turn it is.
#pragma once

#include "mpi/core_yield.hpp"
#include "mpi/mailbox.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace cadre::detail::mpi {

/// The state of the loop that drives this process, as it announces it to its event sources.
enum class loop_state : std::uint8_t {
    busy,     ///< runs tasks, or is not driven any more
    polling,  ///< polls the engine
    asleep,   ///< also before it is driven
};

/// One thread at a time runs the engine: it has the turn. That is the loop while it polls, so that a call and its
/// answer need no second thread; otherwise the thread of the link. A thread that publishes sends by itself.
///
///     word          changed by                                                  to           order
///     turn          a thread that takes the turn, if it is free                 true         exchange, acq_rel
///                   the same thread, after its step                             false        exchange, acq_rel
///     loop          the loop, before it polls or runs tasks                     its state    store, relaxed
///                   the loop, before it sleeps                                  asleep       store, seq_cst
///     loop_polls    the loop, before it polls the engine                        + 1          store, relaxed
///     expects       a thread that has the turn, before it ends it               any          store, seq_cst
///     backlog, expects_soon  the same                                           any          store, relaxed
///     stands_in     the thread of the link, when it looks at `loop_polls`       any          store, relaxed
///
/// A thread publishes a request and then tries to take the turn; another one ends its turn and then looks for requests:
/// at least one of them sends it. With a backlog the next poll does: a thread that publishes much must not keep the
/// turn from those that receive. A loop stores `asleep` and then reads `expects`; a thread that publishes has stored
/// `expects` and then reads `loop`: at least one of them wakes the thread of the link. A loop that computes does not
/// announce it: the thread of the link looks every millisecond whether the loop has polled, and stands in for it if
/// not.
struct link_state {
    mailbox requests{};
    std::atomic<bool> turn{true};
    std::atomic<loop_state> loop{loop_state::asleep};
    std::atomic<std::uint32_t> loop_polls{0};
    std::atomic<bool> backlog{false};  ///< sends have not ended
    std::atomic<bool> expects{true};  ///< a message
    std::atomic<bool> expects_soon{false};  ///< within the time of a few wake-ups
    std::atomic<bool> stands_in{true};  ///< the thread of the link polls, instead of the loop
    core_yield yield{};
    std::atomic<std::uint64_t> acknowledged{0};  ///< of an agent: messages of work that have ended
    std::atomic<std::uint64_t> unreported{0};  ///< how many of `acknowledged` were not reported to the program
    std::atomic<std::uint32_t> credit{0};
    std::atomic<bool> credit_changed{false};
    std::atomic<bool> stopping{false};
    std::chrono::steady_clock::time_point deadline{};  ///< set before `stopping`
};

}  // namespace cadre::detail::mpi
