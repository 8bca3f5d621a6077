/// @file
/// The trace sink of a worker's loop, which records the runs of its tasks.
#pragma once

#include "base/process_owner.hpp"
#include "coroutine/trace.hpp"
#include "process/plane/trace_ring.hpp"

namespace cadre::detail::process_worker {

/// For the loop's thread.
class trace_sink final : public trace::sink {
public:
    explicit trace_sink(process_plane::trace_ring& ring) noexcept : ring_(ring) {}

    /// Makes this thread record here.
    void install() noexcept;
    void put(const trace::event& e) noexcept override;

private:
    process_plane::trace_ring& ring_;
    const process_owner owner_{};
};

}  // namespace cadre::detail::process_worker
