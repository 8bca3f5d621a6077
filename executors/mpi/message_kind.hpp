/// @file
/// The kinds of messages: the tags of MPI.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cadre::detail::mpi {

/// MPI preserves the order of messages from one rank to another, across tags.
enum class message_kind : int {
    hello = 1,  ///< the first message between the program and an agent, in both directions
    message,
    work,        ///< to an agent, against its credit
    large,       ///< a `large_header`; the body follows in consecutive messages of kind `piece`
    piece,
    credit,      ///< a `credit_report`
    end,         ///< to an agent: the program ends
    bye,         ///< to the program: the last message of the agent
    finalize,    ///< to an agent: all agents have sent `bye`; it may finalise MPI
};

/// Larger bodies are sent in pieces of this size, so that a body of one rank does not delay those of the others.
inline constexpr std::size_t piece_size = std::size_t{1} << 20;
/// Larger bodies are refused: no sender of this build sends them.
inline constexpr std::uint64_t max_body = std::uint64_t{1} << 32;

struct large_header {
    std::uint64_t size;
    std::uint64_t kind;  ///< `message`, `work` or `hello`
};

/// A report of an agent. It replaces the previous one.
struct credit_report {
    std::uint64_t credit;        ///< maximum number of unacknowledged messages of work
    std::uint64_t acknowledged;  ///< number since the start
};

}  // namespace cadre::detail::mpi
