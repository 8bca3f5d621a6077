/// @file
/// What the tag of an MPI message says about it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cadre::detail::mpi {

/// MPI keeps the order of the messages from one rank to another, whatever their tags.
enum class message_kind : int {
    hello = 1,  ///< the first message between the program and an agent, in both directions
    message,
    work,        ///< to an agent, against its credit
    large,       ///< a `large_header`; the body follows in messages of kind `piece`, with nothing in between
    piece,
    credit,      ///< a `credit_report`
    end,         ///< to an agent: the program leaves
    bye,         ///< to the program: the agent sends nothing more
    finalize,    ///< to an agent: all have said `bye`; MPI ends now
};

/// Larger bodies travel in pieces of this size, so that a body of one rank does not delay those of the others.
inline constexpr std::size_t piece_size = std::size_t{1} << 20;
/// More than this is refused: the sender cannot be of this build.
inline constexpr std::uint64_t max_body = std::uint64_t{1} << 32;

struct large_header {
    std::uint64_t size;
    std::uint64_t kind;  ///< `message`, `work` or `hello`
};

/// Of an agent; the latest one counts.
struct credit_report {
    std::uint64_t credit;        ///< how many messages of work it holds at most
    std::uint64_t acknowledged;  ///< since the start
};

}  // namespace cadre::detail::mpi
