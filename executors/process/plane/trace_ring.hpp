/// @file
/// The trace records of a worker on their way to the parent, including those of a worker that was killed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_plane {

/// The fields of a `trace::event` that a worker may set.
struct trace_record {
    std::int64_t time;
    std::uint64_t id;
    std::uint64_t wait;
    std::uint32_t kind;
    std::uint32_t detail;
};

inline constexpr std::size_t trace_slots = 8192;

/// Never touched, and so without memory, unless a trace is recorded. Each word counts since the start and has one
/// writer:
///
/// | word | written by | order |
/// | --- | --- | --- |
/// | written | worker, after the record | release |
/// | lost | worker, if there was no room | relaxed |
/// | consumed | parent, after it has copied records | release |
struct trace_ring {
    alignas(64) std::atomic<std::uint64_t> written;
    std::atomic<std::uint64_t> lost;
    alignas(64) std::atomic<std::uint64_t> consumed;
    alignas(64) trace_record records[trace_slots];
};

}  // namespace cadre::detail::process_plane
