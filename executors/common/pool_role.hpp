/// @file
/// The role of a process executor that is the part of a larger executor on one host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>

#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// Receives the requests of a pool's workers for shared objects of the larger executor. Called by one thread at a time;
/// must not block, and may answer at once. Requests that a worker sends before it replies to a call arrive before that
/// call completes.
class home_upstream {
public:
    virtual ~home_upstream() = default;
    /// @param worker a number that no other worker of this process ever has
    /// @param ticket names the answer; 0: none is wanted
    virtual void request(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept = 0;
    /// Requests that the answer is sent now.
    virtual void stop(std::uint64_t worker, std::uint64_t ticket) noexcept = 0;
    /// The worker has ended; no request of it follows.
    virtual void ended(std::uint64_t worker) noexcept = 0;
};

/// The extension of a pool by which its workers get the answers (`executor_backend::query`).
class home_downstream {
public:
    /// Any thread. An answer to a worker that has ended is dropped.
    virtual void answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept = 0;
    /// Any thread. A request that wants no answer was lost: kills the worker, so that what it has at home is freed.
    virtual void abandon(std::uint64_t worker) noexcept = 0;

protected:
    ~home_downstream() = default;
};

struct pool_role {
    executor_identity identity{};  ///< of the handles that workers decode to their own executor
    executor_kind kind = executor_kind::
        process;  ///< the kind that tasks in workers see; not `process`: shared memory does not reach other hosts
    std::string host{};  ///< named in errors; empty: not named
    std::shared_ptr<home_upstream> home{};  ///< null: its workers share memory
};

/// How busy a pool is.
struct pool_load {
    std::size_t queued = 0;  ///< calls that no worker has begun
    std::uint64_t restarts = 0;  ///< workers that died
};

/// The extension of a pool that reports its load cheaply (`executor_backend::query`).
class pool_load_source {
public:
    /// Thread-safe; takes the lock that `request_stop` takes.
    [[nodiscard]] virtual pool_load load() const noexcept = 0;

protected:
    ~pool_load_source() = default;
};

/// That of `pool`, whatever it is.
[[nodiscard]] inline pool_load load_of(const executor& pool) {
    if (const auto* const source =
            static_cast<const pool_load_source*>(pool.backend()->query(typeid(pool_load_source))))
        return source->load();
    const executor_stats s = pool.stats();
    return {.queued = static_cast<std::size_t>(s.queued), .restarts = s.restarts};
}

}  // namespace cadre::detail
