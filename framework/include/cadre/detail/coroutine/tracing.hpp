/// @file
/// Whether a trace is being recorded. If not, that is all it costs: one load and a branch at each place that
/// would record.
#pragma once

#include <atomic>
#include <cstdint>

namespace cadre::detail {

/// Set by the recorder: true when a trace begins, false when it has ended. Relaxed: events that are recorded late or
/// missed at either end do no harm.
extern constinit std::atomic<bool> tracing_flag;

[[nodiscard]] inline bool tracing() noexcept { return tracing_flag.load(std::memory_order_relaxed); }

/// The call or task `id` begins to run, here.
void trace_begin(std::uint64_t id) noexcept;

}  // namespace cadre::detail
