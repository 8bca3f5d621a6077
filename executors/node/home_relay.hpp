/// @file
/// Passes the requests of an agent's workers for shared objects to the program, where the objects live.
#pragma once

#include "common/pool_role.hpp"
#include "node/answer_port.hpp"
#include "node/node_link.hpp"

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/executor.hpp>

#include <cstdint>
#include <mutex>
#include <set>
#include <span>
#include <utility>

namespace cadre::detail::node {

/// Belongs to one pool, and so to one program. When the program is gone, every request is answered by `stopped`.
/// Thread-safe.
class home_relay final : public home_upstream {
public:
    explicit home_relay(node_link& link) noexcept : link_(link) {}

    void request(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept override;
    void stop(std::uint64_t worker, std::uint64_t ticket) noexcept override;
    void ended(std::uint64_t worker) noexcept override;

    void attach(const executor& pool) noexcept { port_.attach(pool); }
    /// From the program.
    void answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept;
    /// The program is gone: from now on the link is not used.
    void close() noexcept;

private:
    void answer_unperformed(std::uint64_t worker, std::uint64_t ticket, op_status outcome) noexcept;

    node_link& link_;
    answer_port port_;
    std::mutex mutex_;  // under it the link publishes, so that messages keep their order and none follows `close`
    bool closed_ = false;
    std::set<std::pair<std::uint64_t, std::uint64_t>> pending_;  // (worker, ticket) that have no answer
};

}  // namespace cadre::detail::node
