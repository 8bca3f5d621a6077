/// @file
/// A call that a task in a worker made on its own executor: the parent places it like any other.
#pragma once

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>

namespace cadre::detail::process_parent {

class pool;
class worker_connection;

/// Created when the event of the worker arrives; deletes itself when it completes.
class nested_call final : public portable_call {
public:
    nested_call(pool& owner, worker_connection& from, std::uint64_t ticket) noexcept
        : caller(&from), workers_ticket(ticket), pool_(&owner) {}

    /// Enters the registry of the executor and submits. Needs `drain_mutex_`, without `calls_mutex_`.
    void start() noexcept;
    void complete(call_reply reply) noexcept override;

    worker_connection* caller;  ///< waits for the reply; null once it has ended. Changed under both locks
    const std::uint64_t workers_ticket;
    bool stopped = false;  ///< a stop request has arrived, perhaps with the call; changed under both locks
    std::size_t held_bytes = 0;  ///< of name and arguments; also counted in the connection of the caller
    std::size_t held_descriptors = 0;  ///< of the arguments; also counted in the connection of the caller
    std::exception_ptr not_received{};  ///< why the arguments did not arrive whole: the call fails

private:
    ~nested_call() = default;
    void trace_acceptance() noexcept;

    pool* pool_;
    work_root root_;
    bool entered_ = false;
};

}  // namespace cadre::detail::process_parent
