/// @file
/// Shared locks and conditions that live in another process.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <cadre/detail/state/memory_domain.hpp>

#include "state/remote_objects.hpp"

namespace cadre::detail {

class remote_shared_lock final : public remote_view<process_shared_lock>,
                                 public std::enable_shared_from_this<remote_shared_lock> {
public:
    remote_shared_lock(std::shared_ptr<remote_domain> domain, home_number number) noexcept
        : remote_view(std::move(domain), number) {
        always_park();
    }

    void encode(encoder& out) const override { encode_as(home_kind::shared_lock, out, 0, shared_from_this()); }
    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override { tell(home_op::unlock); }
    [[nodiscard]] op_status try_lock_shared(bool& owner_died) noexcept override;
    void unlock_shared() noexcept override { tell(home_op::unlock_shared); }
    /// At home a waiting owner keeps later sharers out by its place in the queue.
    [[nodiscard]] op_status try_lock_waiting(bool&, bool& owner_died) noexcept override { return try_lock(owner_died); }
    void unclaim() noexcept override {}
    [[nodiscard]] bool park(pending_operation& p) noexcept override;

private:
    void take(pending_operation& p, home_op op, std::uint64_t ticket, decoder& in) override;
    void undo(home_op op, std::uint64_t ticket) noexcept override;
    [[nodiscard]] op_status attempt(home_op op, bool& owner_died) noexcept;
};

/// The home counts the waiters.
class remote_condition final : public remote_view<shared_condition>,
                               public std::enable_shared_from_this<remote_condition> {
public:
    remote_condition(std::shared_ptr<remote_domain> domain, home_number number) noexcept
        : remote_view(std::move(domain), number) {}

    void encode(encoder& out) const override { encode_as(home_kind::condition, out, 0, shared_from_this()); }
    void enter() noexcept override {}
    [[nodiscard]] op_status try_take() noexcept override { return op_status::would_block; }
    [[nodiscard]] bool withdraw() noexcept override { return true; }
    void notify(std::uint32_t count) noexcept override { tell(home_op::notify_waiters, count); }
    [[nodiscard]] bool park(pending_operation& p) noexcept override {
        return begin(p, shared_from_this(), home_op::await_notification, {});
    }

private:
    void take(pending_operation&, home_op, std::uint64_t ticket, decoder&) override { tell(home_op::confirm, ticket); }
    /// The notification goes to another waiter.
    void undo(home_op, std::uint64_t ticket) noexcept override { tell(home_op::give_back, ticket); }
};

}  // namespace cadre::detail
