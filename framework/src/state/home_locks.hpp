/// @file
/// Shared locks and conditions that live in the program's process and are used by workers of other hosts, too.
#pragma once

#include <atomic>
#include <memory>

#include <cadre/detail/state/memory_domain.hpp>

#include "state/heap_locks.hpp"
#include "state/home_objects.hpp"

namespace cadre::detail {

/// A shared lock whose owner may be a worker that dies.
class home_shared_lock final : public heap_shared_lock,
                               public home_object,
                               public std::enable_shared_from_this<home_shared_lock> {
public:
    explicit home_shared_lock(const std::shared_ptr<home_table>& table)
        : heap_shared_lock(table->registry), home_object(table) {}

    void encode(encoder& out) const override { encode_as(home_kind::shared_lock, out, 0, shared_from_this()); }
    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    [[nodiscard]] op_status try_lock_shared(bool& owner_died) noexcept override;
    /// The worker that held the lock alone has died.
    void owner_died() noexcept;

private:
    std::atomic<bool> died_{false};  // the previous owner, until there is another one; set before the lock is free
};

class home_condition final : public heap_condition,
                             public home_object,
                             public std::enable_shared_from_this<home_condition> {
public:
    explicit home_condition(const std::shared_ptr<home_table>& table)
        : heap_condition(table->registry), home_object(table) {}

    void encode(encoder& out) const override { encode_as(home_kind::condition, out, 0, shared_from_this()); }
};

/// The lock of a home_lock, a home_shared_lock or a home_cell. @return null for another object
[[nodiscard]] std::shared_ptr<process_lock> lock_of(const std::shared_ptr<shared_object>& object) noexcept;
/// The worker that held such a lock alone has died.
void release_dead_owner(process_lock& lock) noexcept;

}  // namespace cadre::detail
