/// @file
/// The contents of the slots: requests to a worker, and events in both directions.
#pragma once

#include "process/plane/slot.hpp"

namespace cadre::detail::process_plane {

inline constexpr std::size_t inline_body = 36;

/// The location of a body that does not fit into its slot, in the sender's half of the call memory.
struct block {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// Parent to worker: a call. The body is [arguments] [name and its u16 length, if named] [u32 claim, if raw] [u32
/// number of its item_watch, if timed chunk] [u32 items, if chunk]: the arguments come first, so that long runs in them
/// are aligned, and views may point into them.
struct request {
    std::uint64_t call_id;
    std::uint64_t ticket;  ///< names the parent's record of the call; the worker sends it back
    std::uint8_t flags;
    std::uint8_t inline_size;
    std::uint16_t entry;  ///< index in the function table
    std::byte body[inline_body];

    static constexpr std::uint8_t external = 1;
    static constexpr std::uint8_t chunk = 2;
    static constexpr std::uint8_t named = 4;
    static constexpr std::uint8_t timed =
        8;  ///< has a time limit: the worker reports when the call, or an item of it, begins
    static constexpr std::uint8_t descriptors = 16;  ///< has file descriptors: the worker claims it and asks for them
    static constexpr std::uint8_t raw = 32;  ///< a raw chunk: `claim` items are claimed at a time
    static constexpr std::uint8_t returns = 64;  ///< a chunk of tasks: `returned` may follow
};

enum class event_kind : std::uint8_t {
    // worker to parent
    ready = 1,  ///< the initializer has run
    start_failed,  ///< the initializer threw: the body is the encoded exception
    begun,  ///< a timed call has begun: `id` ticket
    value,  ///< `id` ticket: ended, the body is its result
    exception,  ///< `id` ticket: ended, the body is the encoded exception
    rejected,  ///< `id` ticket: the function was not found, the body is the reason
    chunk_block,  ///< `id` ticket: the body is a chunk_progress, or a raw_progress, with further results
    committed,  ///< `id` ticket: `items` items are done, the body holds the results of those since the last commit
    unfinished,  ///< `id` ticket: ended early, after `items` items; the body: results that were not sent
    item_failed,  ///< `id` ticket of a raw chunk: `items` items are done, the last one failed with the body
    retires,  ///< the worker is to be replaced: it reached its memory limit, or is above the soft one
    wants_work,  ///< the ring is empty and calls wait in the parent; what it had is suspended
    descriptors_wanted,  ///< `id` ticket: the worker has claimed this call, which waits for its file descriptors
    nested_call,  ///< `id` the worker's own ticket: the body is a nested_header, the name and the arguments
    nested_stop,  ///< `id` the same; `items` the stop_reason
    home_request,  ///< `id` the worker's own ticket, 0: no answer; the body is for the home of a shared object
    home_stop,  ///< `id` the same: the answer is wanted now
    // parent to worker
    descriptors,  ///< `id` ticket: those of the call; `items` the errno if they could not be sent
    nested_value,  ///< `id` the worker's ticket
    nested_exception,  ///< the body is the encoded exception; `items` the items done
    nested_partial,  ///< results of a chunk that failed or is unfinished, before its end
    nested_unfinished,  ///< `items` the items done; the body is the encoded error of the last one, or empty
    home_answer,  ///< `id` the worker's ticket
    stop,  ///< `id` ticket; `items` the stop_reason
    quit,
    dump,  ///< `id` of the request, `items` the pid of the parent: the worker's tasks are wanted
    // worker to parent
    returned,  ///< `id` ticket of a chunk of tasks: those behind the first `items` items have not begun
    tasks,  ///< the answer to `dump`, with its `id`: the body is text
};

/// Bytes of text that an answer to `dump` holds.
inline constexpr std::size_t max_dump = std::size_t{1} << 20;

struct event {
    std::uint64_t id;
    event_kind kind;
    std::uint8_t flags;
    std::uint8_t inline_size;
    std::uint8_t spare;
    std::uint32_t items;
    std::uint32_t nanoseconds;  ///< how long the task kept the worker's loop; 0: not measured
    std::byte body[inline_body];

    static constexpr std::uint8_t external = 1;
    static constexpr std::uint8_t descriptors = 4;  ///< the descriptor_socket has a message for this slot
    static constexpr std::uint8_t out_of_memory = 2;  ///< an allocation failed while the call, or the last item, ran
};

}  // namespace cadre::detail::process_plane
