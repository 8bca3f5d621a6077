// Locks, semaphores and blocks on the heap of one process: the objects of local executors.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/object_registry.hpp>

namespace cadre::detail {

/// Whether coroutines wait for the object. A thread that releases something stores it, then reads `any`; a thread that
/// is about to wait calls `set`, then tries once more. Both are sequentially consistent, so one of them sees the other.
class heap_interest {
public:
    void set(bool on) noexcept { on_.store(on, std::memory_order_seq_cst); }
    [[nodiscard]] bool any() const noexcept { return on_.load(std::memory_order_seq_cst); }

private:
    std::atomic<bool> on_{false};
};

/// A lock of this process, in which no owner dies.
class heap_lock : public process_lock, public registered_object {
public:
    explicit heap_lock(std::shared_ptr<object_registry> registry);
    ~heap_lock() override;

    void encode(encoder& out) const override;
    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override;
    void stop() noexcept override;

private:
    void interest(unsigned, bool on) noexcept override { interest_.set(on); }

    std::atomic<bool> held_{false};
    std::atomic<bool> stopped_{false};
    heap_interest interest_;
};

class heap_semaphore : public shared_semaphore, public registered_object {
public:
    heap_semaphore(std::shared_ptr<object_registry> registry, std::uint32_t permits);
    ~heap_semaphore() override;

    void encode(encoder& out) const override;
    [[nodiscard]] op_status try_acquire(std::uint32_t n) noexcept override;
    void give_back(std::uint32_t n) noexcept override;
    void forget(std::uint32_t n) noexcept override;
    [[nodiscard]] bool release(std::uint32_t n) noexcept override;
    [[nodiscard]] std::uint32_t available() const noexcept override;
    void stop() noexcept override;

private:
    void interest(unsigned, bool on) noexcept override { interest_.set(on); }

    // total_: permits that exist, free or held. `release` raises it before it frees them, so that permits given back
    // always fit; `forget` lowers it. free_: `try_acquire` lowers it by CAS, `give_back` and `release` raise it,
    // seq_cst.
    std::atomic<std::uint32_t> total_;
    std::atomic<std::uint32_t> free_;
    std::atomic<bool> stopped_{false};
    heap_interest interest_;
};

/// Aligned zeroed memory with a lock beside it.
class heap_block : public shared_block, public registered_object, public std::enable_shared_from_this<heap_block> {
public:
    heap_block(const std::shared_ptr<object_registry>& registry, std::size_t size, std::size_t alignment);
    ~heap_block() override;

    void encode(encoder& out) const override;
    [[nodiscard]] void* data() noexcept override { return data_.get(); }
    [[nodiscard]] std::size_t size() const noexcept override { return size_; }
    /// Keeps the block alive as well.
    [[nodiscard]] std::shared_ptr<process_lock> lock() override { return {shared_from_this(), &lock_}; }
    [[nodiscard]] op_status alive() const noexcept override {
        return stopped_.load(std::memory_order_seq_cst) ? op_status::stopped : op_status::done;
    }
    void notify() noexcept override {
        if (interest_.any()) retry_waiters();
    }
    void stop() noexcept override;

private:
    struct aligned_delete {
        std::size_t alignment;
        void operator()(void* memory) const noexcept { ::operator delete(memory, std::align_val_t{alignment}); }
    };
    void interest(unsigned, bool on) noexcept override { interest_.set(on); }

    heap_lock lock_;
    std::size_t size_;
    std::unique_ptr<void, aligned_delete> data_;
    std::atomic<bool> stopped_{false};
    heap_interest interest_;
};

}  // namespace cadre::detail
