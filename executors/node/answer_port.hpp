/// @file
/// How answers from the homes of shared objects reach the workers of a pool.
#pragma once

#include "common/pool_role.hpp"

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/executor.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace cadre::detail::node {

/// Answers are kept until the pool of their worker is known here. Thread-safe.
class answer_port {
public:
    /// Sets the pool and sends the answers that have waited for it.
    void attach(const executor& pool) noexcept;
    void answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept;

    /// As `home_downstream::abandon`, where the pool is known.
    void abandon(std::uint64_t worker) noexcept;

private:
    struct waiting {
        std::uint64_t worker;
        std::uint64_t ticket;
        byte_buffer body;
    };
    static void send(executor_backend& pool, std::uint64_t worker, std::uint64_t ticket,
                     std::span<const std::byte> body) noexcept;

    std::mutex mutex_;  // under it no answer is sent
    std::weak_ptr<executor_backend> pool_;
    bool attached_ = false;
    std::vector<waiting> early_;
};

}  // namespace cadre::detail::node
