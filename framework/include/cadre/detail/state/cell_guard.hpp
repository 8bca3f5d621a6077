/// @file
/// The memory of a shared value, and the guards that hold the lock of a cell.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <cadre/detail/state/cell_types.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/memory_domain.hpp>

namespace cadre::detail {

/// Each cell has cache lines of its own, which avoids false sharing.
inline constexpr std::size_t cell_alignment = 64;

/// The contents of a `shared_value`'s block. The members are called with the block's lock held.
template <class T>
struct value_cell {
    whole<T> held;
    /// A holder of the lock died and the value was not replaced since. Kept here because the operation that detects the
    /// death may be a `get`, which does not report it.
    std::uint32_t damaged;

    void note_death(const held_lock& lock) noexcept {
        if (lock.owner_died()) damaged = 1;
    }
    // Atomic members do not take the lock: for lock-free types every access is atomic.
    [[nodiscard]] T read() noexcept {
        if constexpr (lock_free<T>)
            return atomic().load().value;
        else
            return held.value;
    }
    void write(const T& x) noexcept {
        if constexpr (lock_free<T>)
            atomic().store(whole<T>{x});
        else
            held.value = x;
    }
    template <class F>
    T modify(F& f) {
        whole<T> before{read()};
        for (;;) {
            const whole<T> after{f(before.value)};
            if constexpr (lock_free<T>) {
                if (atomic().compare_exchange_strong(before, after)) return after.value;
            } else {
                held = after;
                return after.value;
            }
        }
    }

    [[nodiscard]] std::atomic_ref<whole<T>> atomic() noexcept
        requires lock_free<T>
    {
        return std::atomic_ref<whole<T>>(held);
    }
};

/// Holds the lock of a shared value until it goes out of scope. Movable; may be destroyed on any thread.
template <class T>
class [[nodiscard]] value_guard {
public:
    value_guard(std::shared_ptr<shared_block> block, held_lock lock, T* value, bool damaged) noexcept
        : block_(std::move(block)), lock_(std::move(lock)), value_(value), damaged_(damaged) {}

    [[nodiscard]] T& operator*() const noexcept { return *value_; }
    [[nodiscard]] T* operator->() const noexcept { return value_; }
    /// Whether an earlier holder was killed, so that the value may be half written.
    [[nodiscard]] bool owner_died() const noexcept { return damaged_ || lock_.owner_died(); }
    /// Unlocks before the end of the scope. Do not access the value afterwards.
    void unlock() noexcept { lock_.unlock(); }
    [[nodiscard]] bool owns_lock() const noexcept { return lock_.owns(); }

private:
    friend struct guard_access;
    std::shared_ptr<shared_block> block_;  // before the lock: destroyed after it
    held_lock lock_;
    T* value_;
    bool damaged_;
};

/// Holds the lock of a shared array until it goes out of scope. Movable; may be destroyed on any thread.
template <class T>
class [[nodiscard]] array_guard {
public:
    array_guard(std::shared_ptr<shared_block> block, held_lock lock, std::span<T> elements) noexcept
        : block_(std::move(block)), lock_(std::move(lock)), elements_(elements) {}

    [[nodiscard]] std::span<T> operator*() const noexcept { return elements_; }
    [[nodiscard]] const std::span<T>* operator->() const noexcept { return &elements_; }
    [[nodiscard]] T& operator[](std::size_t i) const noexcept { return elements_[i]; }
    /// Whether the previous holder was killed, so that the elements may be half written.
    [[nodiscard]] bool owner_died() const noexcept { return lock_.owner_died(); }
    /// Unlocks before the end of the scope.
    void unlock() noexcept { lock_.unlock(); }
    [[nodiscard]] bool owns_lock() const noexcept { return lock_.owns(); }

private:
    friend struct guard_access;
    std::shared_ptr<shared_block> block_;
    held_lock lock_;
    std::span<T> elements_;
};

/// Returns the block of a decoded handle if it is as large and aligned as the handle requires. @throws codec_error
[[nodiscard]] std::shared_ptr<shared_block> checked_block(std::shared_ptr<shared_block> block, std::size_t size,
                                                          std::size_t alignment);

}  // namespace cadre::detail
