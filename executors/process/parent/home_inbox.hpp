/// @file
/// Requests of a pool's workers for shared objects that live elsewhere, on their way there.
#pragma once

#include "common/pool_role.hpp"
#include "process/parent/protocol_violation.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace cadre::detail::process_parent {

/// Needs the pool's `drain_mutex_`. The upstream is called without `calls_mutex_`, which its answers take.
class home_inbox {
public:
    explicit home_inbox(std::shared_ptr<home_upstream> to) noexcept : upstream_(std::move(to)) {}

    /// A request or a stop from a worker.
    [[nodiscard]] protocol_violation receive(std::uint64_t worker, std::uint64_t ticket,
                                             std::span<const std::byte> body, bool stop) {
        if (upstream_ == nullptr) return "asked for shared objects of several hosts";
        message m{worker, ticket, stop, {}};
        m.body.append(body);
        messages_.push_back(std::move(m));
        return std::nullopt;
    }
    void pass_on() noexcept {
        for (const message& m : messages_)
            if (m.stop)
                upstream_->stop(m.worker, m.ticket);
            else
                upstream_->request(m.worker, m.ticket, m.body.span());
        messages_.clear();
    }
    /// After what it has sent was passed on.
    void ended(std::uint64_t worker) noexcept {
        if (upstream_ != nullptr) upstream_->ended(worker);
    }

private:
    struct message {
        std::uint64_t worker;
        std::uint64_t ticket;
        bool stop;
        byte_buffer body;
    };
    const std::shared_ptr<home_upstream> upstream_;
    std::vector<message> messages_;
};

}  // namespace cadre::detail::process_parent
