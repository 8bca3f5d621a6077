/// @file
/// The state plane between processes: where the channels, cells and locks of process executors live.
///
///     // parent, before the fork server starts                 // worker
///     auto& plane = state_plane::create();                     auto& plane = state_plane::attach(invitation);
///     auto id = plane.claim_slot();                            // decoded handles now find their objects
///     // … start a worker with plane.invite(id) …
///     plane.recover(id);                                       // after the worker has ended, for any reason
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

/// What a worker needs to join the plane of its program.
struct plane_invitation {
    /// The region, the supervisor's doorbell, the doorbells of near slots, and that of the process itself if it is far.
    /// Close-on-exec; their numbers may differ in the worker.
    std::vector<int> descriptors;
    process_id self;
    program_id program;
    region_shape shape;
};

class state_plane {
public:
    /// Makes the program's plane, in the parent, before any other process. It lives as long as the process. Sets
    /// `program_domain()` and the loop's wake descriptor, and adds `source()` to the loop's sources.
    /// @throws std::system_error
    static state_plane& create(const region_options& options = {});
    /// The same in a worker.
    /// @throws std::system_error
    static state_plane& attach(const plane_invitation& from);
    /// The program's plane; null before `create` or `attach`, and in a fork.
    [[nodiscard]] static state_plane* program() noexcept;

    /// A plane that is not the program's.
    [[nodiscard]] static std::unique_ptr<state_plane> make(const region_options& options = {});
    [[nodiscard]] static std::unique_ptr<state_plane> join(const plane_invitation& from);

    state_plane(const state_plane&) = delete;
    state_plane& operator=(const state_plane&) = delete;
    ~state_plane();

    /// Parent: for the process for which `id` was claimed. The plane keeps the descriptors.
    [[nodiscard]] plane_invitation invite(process_id id) const;
    [[nodiscard]] program_id program_identity() const noexcept;
    [[nodiscard]] process_id self() const noexcept { return table_.self(); }
    [[nodiscard]] process_table& processes() noexcept { return table_; }
    [[nodiscard]] const region& memory() const noexcept { return memory_; }

    /// Parent: claims a slot for a worker about to be started. Empty if there are too many processes. Thread-safe.
    /// @throws std::system_error, std::bad_alloc
    [[nodiscard]] std::optional<process_id> claim_slot();
    /// Parent: a process has ended or never started. Completes or reverts its operations, releases what it held, rings
    /// all processes that wait and frees the slot. Any thread; idempotent.
    void recover(process_id dead) noexcept;

    /// For the run loop of this process: retries the waiters for which other processes rang.
    [[nodiscard]] event_source& source() noexcept;
    /// Parent: the same for the supervisor thread, for times when the run loop is busy; waits on
    /// `supervisor_doorbell()`.
    [[nodiscard]] event_source& supervisor_source() noexcept;

    /// Parent: makes the domain of an executor; `shut_down` ends it. At most 65535 in a program's life.
    /// @throws error if there are too many
    [[nodiscard]] memory_domain& open_domain();
    /// The domain with number `id`, in any process; 0 is the program's own and is never shut down. Lives as long as the
    /// plane.
    [[nodiscard]] memory_domain& domain(std::uint32_t id = 0);
    /// Parent: operations on the domain's objects, waiting ones too, give `stopped` from now on. Any thread.
    void shut_down(std::uint32_t domain) noexcept;

private:
    struct parts;
    state_plane(region memory, process_id self, program_id program, std::vector<int> doorbells, bool owns_descriptors);

    region memory_;
    process_table table_;
    bool owns_descriptors_;
    std::unique_ptr<parts> parts_;
};

}  // namespace cadre::detail::shm
