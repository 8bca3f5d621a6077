/// @file
/// Starts the workers of an executor.
#pragma once

#include "common/pool_role.hpp"
#include "process/os/worker_launcher.hpp"
#include "process/os/worker_spec.hpp"
#include "process/parent/worker_connection.hpp"
#include "shm/state_plane.hpp"

#include <cadre/executors/process_options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cadre::detail::process_parent {

/// What all workers of one executor have in common. `start` and `wait_exit` are called by one thread at a time, without
/// a lock of the pool.
class worker_starter {
public:
    /// @param descriptors of the supervisor status page and of the supervisor's bell; they stay the caller's
    worker_starter(const process_options& options, std::string executor_name, pool_role role, std::uint32_t workers,
                   std::vector<int> descriptors);

    [[nodiscard]] const std::string& executor_name() const noexcept { return name_; }
    [[nodiscard]] const process_options& options() const noexcept { return options_; }
    [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }
    [[nodiscard]] const executor_identity& portable_id() const noexcept { return role_.identity; }
    /// That errors name; empty: none.
    [[nodiscard]] const std::string& host() const noexcept { return role_.host; }
    [[nodiscard]] const std::shared_ptr<home_upstream>& home() const noexcept { return role_.home; }
    [[nodiscard]] shm::state_plane& plane() const noexcept { return plane_; }
    /// Whether the output of workers goes through this process.
    [[nodiscard]] bool output_piped() const noexcept;
    /// Of the executor's channels, cells and locks.
    [[nodiscard]] memory_domain& domain() const noexcept { return *domain_; }

    /// @param prefix what is printed before a line of output that begins now
    /// Throws config_error if no worker can be started here, std::system_error.
    [[nodiscard]] std::unique_ptr<worker_connection> start(std::uint32_t index,
                                                           std::function<std::string(const worker_connection&)> prefix);
    /// Waits for the report on a worker that has ended.
    [[nodiscard]] process_os::worker_exit wait_exit(const worker_connection& c);

private:
    void write_setup(worker_link& link, std::uint32_t index) const;
    [[nodiscard]] process_os::worker_spec make_spec(const worker_connection& c, int descriptor_socket) const;

    const process_options options_;
    const std::string name_;
    const std::uint32_t workers_;
    const pool_role role_;
    const std::vector<int> descriptors_;
    shm::state_plane& plane_;
    const std::uint64_t area_size_;  // of the call memories
    memory_domain* domain_;
    process_plane::function_slot initializer_;
    process_plane::function_slot finalizer_;
    process_os::worker_launcher launcher_;
};

}  // namespace cadre::detail::process_parent
