/// @file
/// The state plane between processes: where the channels, cells and locks of process executors live.
///
///     // parent, before the fork server starts                 // worker
///     auto& plane = state_plane::create();                     auto& plane = state_plane::attach(descriptors, id);
///     auto id = plane.claim_slot();                            // decoded handles now find their objects
///     // … start a worker with plane.descriptors() and id …
///     plane.bury(id);                                          // once the worker has ended, however it did
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "shm/process_table.hpp"
#include "shm/region.hpp"

namespace cadre::detail::shm {

class plane_domain;
class plane_source;

class state_plane {
public:
    /// The program's plane: made in the parent, before any other process. It lives as long as the process. Sets
    /// `program_domain()` and the loop's wake descriptor, and adds `source()` to the loop's sources.
    /// @throws std::system_error
    static state_plane& create(const region_options& options = {});
    /// The same in a worker, from the parent's `descriptors()` (their numbers may differ here) and the slot claimed for it.
    /// A worker that was forked has the parent's descriptors already.
    /// @throws std::system_error
    static state_plane& attach(const std::vector<int>& descriptors, process_id self);
    /// The program's plane, null before `create` or `attach`. In a process that was forked after `create` and has not
    /// attached: the parent's, only good for `descriptors()`.
    [[nodiscard]] static state_plane* program() noexcept;

    /// A plane of its own, that nothing else in the process knows of.
    [[nodiscard]] static std::unique_ptr<state_plane> make(const region_options& options = {});
    [[nodiscard]] static std::unique_ptr<state_plane> join(const std::vector<int>& descriptors, process_id self);

    state_plane(const state_plane&) = delete;
    state_plane& operator=(const state_plane&) = delete;
    ~state_plane();

    /// What a worker needs: the region, the supervisor's doorbell, the doorbells of all slots. Close-on-exec.
    [[nodiscard]] std::vector<int> descriptors() const;
    [[nodiscard]] process_id self() const noexcept { return table_.self(); }
    [[nodiscard]] process_table& processes() noexcept { return table_; }
    [[nodiscard]] const region& memory() const noexcept { return memory_; }

    /// Parent: a slot for a worker about to be started. Empty if there are too many processes. Thread-safe.
    [[nodiscard]] std::optional<process_id> claim_slot() noexcept { return table_.claim(); }
    /// Parent: a process has ended, by whatever: what it held is finished, undone or given back, who waits for that is rung,
    /// and the slot is free again. Also for one that never started. Any thread; idempotent.
    void bury(process_id dead) noexcept;

    /// For the run loop of this process: looks at objects that other processes rang for.
    [[nodiscard]] event_source& source() noexcept;
    /// Parent: for the supervisor thread, which looks while the run loop computes; waits on `supervisor_doorbell()`.
    [[nodiscard]] event_source& supervisor_source() noexcept;

    /// Parent: a domain for an executor; `shut_down` ends it. At most 65535 in a program's life.
    /// @throws error if there are too many
    [[nodiscard]] memory_domain& open_domain();
    /// The domain of that number, in any process; 0 is the program's own and is never shut down. It lives as long as the plane.
    [[nodiscard]] memory_domain& domain(std::uint32_t id = 0);
    /// Attempts on the domain's objects answer `stopped` from now on, waiting ones too. Parent, any thread.
    void shut_down(std::uint32_t domain) noexcept;

private:
    struct parts;
    state_plane(region memory, process_id self, std::vector<int> doorbells, bool owns_descriptors);

    region memory_;
    process_table table_;
    bool owns_descriptors_;
    std::unique_ptr<parts> parts_;
};

}  // namespace cadre::detail::shm
