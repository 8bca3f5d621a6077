/// @file
/// What a process executor stands for, if it is the part of a larger executor on one host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <typeinfo>

#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

struct pool_role {
    executor_identity identity{};  ///< of the handles that workers decode to their own executor
    executor_kind kind =
        executor_kind::process;  ///< as tasks in workers see it; another one: it shares no memory with other hosts
    std::string host{};  ///< that errors name; empty: none
};

/// How busy a pool is.
struct pool_load {
    std::size_t queued = 0;      ///< calls that no worker has begun
    std::uint64_t restarts = 0;  ///< workers that died
};

/// The extension of a pool that says so often and cheaply (`executor_backend::query`).
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
