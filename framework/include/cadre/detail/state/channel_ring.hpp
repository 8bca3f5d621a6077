/// @file
/// The storage of a local channel: a ring with a lock at either end, which grows up to the channel's capacity.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include <cadre/detail/base/spin_mutex.hpp>
#include <cadre/detail/scheduler/bounded_spin.hpp>

namespace cadre::detail {

/// A first-in first-out queue of at most `limit` values, with one lock for the input end and one for the output end
/// (after the two-lock queue of Michael and Scott, PODC 1996). Each end counts the values that have passed it and
/// caches the other end's count, so a sender and a receiver on two processors touch each other's cache lines once for
/// many values. Slots are allocated on demand: a large capacity costs nothing until it is used.
template <class T>
class channel_ring {
    struct alignas(64) end {
        spin_mutex mutex;  // under it: only moves and destructors of `T`, which must not use this channel
        std::size_t at = 0;  // the next slot
        std::atomic<std::size_t> count{0};  // values that have passed; written under the mutex (release)
        std::size_t seen = 0;  // the last value read of the other end's count
        spin_record spins;  // under no lock
    };

    static constexpr std::size_t slots_ahead = 128;  // bytes

public:
    explicit channel_ring(std::size_t limit) noexcept : limit_(limit) {}
    channel_ring(const channel_ring&) = delete;
    channel_ring& operator=(const channel_ring&) = delete;
    ~channel_ring() {
        while (has_value())
            pop();
        release();
    }

    /// Lock order: in_mutex, then out_mutex.
    [[nodiscard]] spin_mutex& in_mutex() const noexcept { return in_.mutex; }
    [[nodiscard]] spin_mutex& out_mutex() const noexcept { return out_.mutex; }
    /// Of senders that spin, and of receivers.
    [[nodiscard]] spin_record& in_spins() const noexcept { return in_.spins; }
    [[nodiscard]] spin_record& out_spins() const noexcept { return out_.spins; }

    // Under in_mutex.

    /// Whether there is a free slot. Unless the ring `is_grown`, `make_room` may add slots.
    [[nodiscard]] bool has_room() noexcept {
        const std::size_t sent = in_.count.load(std::memory_order_relaxed);
        if (sent - in_.seen != room_) [[likely]]
            return true;
        in_.seen = out_.count.load(std::memory_order_acquire);
        return sent - in_.seen != room_;
    }
    [[nodiscard]] bool is_grown() const noexcept { return room_ == limit_; }
    /// Moves from `value` unless that throws. Requires `has_room()`.
    void push(T& value) {
        // The other end read those slots last: prefetch their cache line.
        __builtin_prefetch(reinterpret_cast<const std::byte*>(slots_ + in_.at) + slots_ahead, 1);
        std::construct_at(slots_ + in_.at, std::move(value));
        advance(in_);
    }

    // Under out_mutex.

    [[nodiscard]] bool has_value() noexcept {
        const std::size_t received = out_.count.load(std::memory_order_relaxed);
        if (out_.seen != received) [[likely]]
            return true;
        out_.seen = in_.count.load(std::memory_order_acquire);
        return out_.seen != received;
    }
    [[nodiscard]] T& front() noexcept { return slots_[out_.at]; }
    void pop() noexcept {
        std::destroy_at(slots_ + out_.at);
        advance(out_);
    }

    // Under both locks.

    /// Adds slots if none is free. If moving a value that cannot be copied throws, those moved before it are lost, as
    /// in `std::vector`. @return false if the limit is reached @throws std::bad_alloc, what moving a `T` throws
    [[nodiscard]] bool make_room() {
        if (has_room()) return true;
        if (is_grown()) return false;
        grow(std::min(limit_, std::max<std::size_t>(room_ * 2, 16)));
        return true;
    }

    // Under no lock: hints.

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::size_t size() const noexcept {
        // In this order: values received meanwhile must not make the difference negative.
        const std::size_t received = out_.count.load(std::memory_order_acquire);
        return std::min(in_.count.load(std::memory_order_acquire) - received, limit_);
    }

private:
    void advance(end& e) noexcept {
        if (++e.at == room_) e.at = 0;
        e.count.store(e.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    void grow(std::size_t room) {
        T* slots = std::allocator<T>().allocate(room);
        const std::size_t count = size();
        std::size_t done = 0;
        try {
            for (; done != count; ++done)
                std::construct_at(slots + done, std::move_if_noexcept(slots_[(out_.at + done) % room_]));
        } catch (...) {
            std::destroy_n(slots, done);
            std::allocator<T>().deallocate(slots, room);
            throw;
        }
        for (std::size_t i = 0; i != count; ++i)
            std::destroy_at(slots_ + (out_.at + i) % room_);
        release();
        slots_ = slots;
        room_ = room;
        out_.at = 0;
        in_.at = count;
    }
    void release() noexcept {
        if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, room_);
    }

    mutable end in_;
    mutable end out_;
    // Written under both locks, read under either.
    alignas(64) T* slots_ = nullptr;
    std::size_t room_ = 0;
    std::size_t limit_;
};

}  // namespace cadre::detail
