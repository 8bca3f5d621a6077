/// @file
/// The bytes of one message and the right to use them: private, or in shared memory, where they need not be copied.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include <cadre/detail/base/byte_buffer.hpp>

namespace cadre::detail {

/// Shared memory for messages. Thread-safe.
class message_pool {
public:
    /// @return `size` bytes aligned to 16, which this process holds; null if there is no memory
    [[nodiscard]] virtual std::byte* allocate(std::size_t size) noexcept = 0;
    /// Frees bytes that this process holds.
    virtual void release(std::byte* bytes) noexcept = 0;

protected:
    ~message_pool() = default;
};

/// Owns the bytes of a message: those of a pool, or private ones.
class message_memory {
public:
    message_memory() noexcept = default;
    /// @param pool  null: private bytes @throws std::bad_alloc
    message_memory(message_pool* pool, std::size_t size) {
        if (pool == nullptr) {
            private_.resize_uninitialized(size);
            return;
        }
        std::byte* const bytes = pool->allocate(size);
        if (bytes == nullptr) throw std::bad_alloc();
        adopt(*pool, bytes, size);
    }
    message_memory(message_memory&& other) noexcept
        : private_(std::move(other.private_)), pool_(std::exchange(other.pool_, nullptr)), shared_(other.shared_),
          shared_size_(other.shared_size_) {}
    message_memory& operator=(message_memory&& other) noexcept {
        if (this == &other) return *this;
        reset();
        private_ = std::move(other.private_);
        pool_ = std::exchange(other.pool_, nullptr);
        shared_ = other.shared_;
        shared_size_ = other.shared_size_;
        return *this;
    }
    ~message_memory() { reset(); }

    [[nodiscard]] std::byte* data() noexcept { return pool_ != nullptr ? shared_ : private_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept { return pool_ != nullptr ? shared_ : private_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return pool_ != nullptr ? shared_size_ : private_.size(); }
    // Templates for the reason of those of `byte_buffer`.
    template <class Byte = std::byte>
    [[nodiscard]] std::span<Byte> span() noexcept {
        return {data(), size()};
    }
    template <class Byte = const std::byte>
    [[nodiscard]] std::span<Byte> span() const noexcept {
        return {data(), size()};
    }
    /// Null: the bytes are private.
    [[nodiscard]] message_pool* pool() const noexcept { return pool_; }
    /// The private bytes, if there is no pool.
    [[nodiscard]] byte_buffer& private_bytes() noexcept { return private_; }

    /// Keeps the first `size` bytes; there are at least as many.
    void truncate(std::size_t size) noexcept {
        if (pool_ != nullptr)
            shared_size_ = size;
        else
            private_.resize_uninitialized(size);
    }
    void reset() noexcept {
        if (pool_ != nullptr) pool_->release(shared_);
        disown();
    }
    /// Gives shared bytes up without freeing them.
    void disown() noexcept {
        pool_ = nullptr;
        private_ = byte_buffer();
    }
    /// Takes over bytes of `pool` that this process holds.
    void adopt(message_pool& pool, std::byte* bytes, std::size_t size) noexcept {
        reset();
        pool_ = &pool;
        shared_ = bytes;
        shared_size_ = size;
    }

private:
    byte_buffer private_;  // empty if there is a pool
    message_pool* pool_ = nullptr;
    std::byte* shared_ = nullptr;
    std::size_t shared_size_ = 0;
};

}  // namespace cadre::detail
