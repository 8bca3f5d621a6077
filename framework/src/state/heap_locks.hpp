// Shared locks and conditions on the heap of one process: the objects of local executors.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/object_registry.hpp>

#include "state/condition_word.hpp"
#include "state/heap_objects.hpp"

namespace cadre::detail {

/// A shared lock that only coroutines of this process can hold. A waiting owner claims nothing: its place in the queue
/// keeps later sharers out.
class heap_shared_lock : public process_shared_lock, public registered_object {
public:
    explicit heap_shared_lock(std::shared_ptr<object_registry> registry);
    ~heap_shared_lock() override;

    void encode(encoder& out) const override;
    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override;
    [[nodiscard]] op_status try_lock_shared(bool& owner_died) noexcept override;
    void unlock_shared() noexcept override;
    [[nodiscard]] op_status try_lock_waiting(bool&, bool& owner_died) noexcept override { return try_lock(owner_died); }
    void unclaim() noexcept override {}
    void stop() noexcept override;

private:
    static constexpr std::uint64_t owned = std::uint64_t{1} << 63;

    void interest(unsigned, bool on) noexcept override { interest_.set(on); }

    // owned | number of sharers. An owner sets `owned` by CAS from 0 and clears it; a sharer adds one, and takes it
    // back if the lock was owned. Sequentially consistent. On another cache line than the words that readers only read.
    alignas(64) std::atomic<std::uint64_t> state_{0};
    alignas(64) std::atomic<bool> stopped_{false};
    heap_interest interest_;
};

class heap_condition : public shared_condition, public registered_object {
public:
    explicit heap_condition(std::shared_ptr<object_registry> registry);
    ~heap_condition() override;

    void encode(encoder& out) const override;
    void enter() noexcept override { waiters().enter(); }
    [[nodiscard]] op_status try_take() noexcept override;
    [[nodiscard]] bool withdraw() noexcept override { return waiters().withdraw(); }
    void notify(std::uint32_t count) noexcept override {
        if (waiters().grant(count) != 0) retry_waiters();
    }
    void stop() noexcept override;

private:
    void interest(unsigned, bool) noexcept override {}  // the word counts the waiters
    [[nodiscard]] condition_word<> waiters() noexcept { return condition_word<>(word_); }

    std::atomic<std::uint64_t> word_{0};
    std::atomic<bool> stopped_{false};
};

}  // namespace cadre::detail
