/// @file
/// The storage of a local channel: a ring that grows up to the channel's capacity.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace cadre::detail {

/// A first-in first-out queue of at most `limit` values. Room is taken as it is needed, so a large capacity costs
/// nothing until it is used. Not thread-safe.
template <class T>
class channel_ring {
public:
    explicit channel_ring(std::size_t limit) noexcept : limit_(limit) {}
    channel_ring(const channel_ring&) = delete;
    channel_ring& operator=(const channel_ring&) = delete;
    ~channel_ring() {
        while (size_ != 0)
            pop();
        release();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] bool full() const noexcept { return size_ == limit_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Moves from `value`, unless it throws. Not when full.
    void push(T& value) {
        if (size_ == room_) grow();
        std::size_t at = first_ + size_;
        if (at >= room_) at -= room_;
        std::construct_at(slots_ + at, std::move(value));
        ++size_;
    }
    [[nodiscard]] T& front() noexcept { return slots_[first_]; }
    void pop() noexcept {
        std::destroy_at(slots_ + first_);
        if (++first_ == room_) first_ = 0;
        --size_;
    }

private:
    void grow() {
        const std::size_t room = std::min(limit_, std::max<std::size_t>(room_ * 2, 16));
        T* slots = std::allocator<T>().allocate(room);
        std::size_t done = 0;
        try {
            for (; done != size_; ++done) {
                const std::size_t at = first_ + done < room_ ? first_ + done : first_ + done - room_;
                std::construct_at(slots + done, std::move_if_noexcept(slots_[at]));
            }
        } catch (...) {
            std::destroy_n(slots, done);
            std::allocator<T>().deallocate(slots, room);
            throw;
        }
        const std::size_t count = size_;
        while (size_ != 0)
            pop();
        release();
        slots_ = slots;
        room_ = room;
        first_ = 0;
        size_ = count;
    }
    void release() noexcept {
        if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, room_);
    }

    T* slots_ = nullptr;
    std::size_t room_ = 0;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::size_t limit_;
};

}  // namespace cadre::detail
