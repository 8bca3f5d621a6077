/// @file
/// An owning byte buffer with inline storage: most calls and results never touch the heap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>

#include <cadre/detail/base/large_memory.hpp>

namespace cadre::detail {

/// A movable buffer; up to `inline_capacity` bytes are stored in the object. New bytes are uninitialised: the codec
/// writes each byte once.
class byte_buffer {
public:
    static constexpr std::size_t inline_capacity = 48;

    byte_buffer() noexcept = default;
    byte_buffer(byte_buffer&& other) noexcept { take(other); }
    byte_buffer& operator=(byte_buffer&& other) noexcept {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }
    ~byte_buffer() { release(); }

    [[nodiscard]] std::byte* data() noexcept { return heap_ ? heap_ : inline_; }
    [[nodiscard]] const std::byte* data() const noexcept { return heap_ ? heap_ : inline_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    // Templates, which are instantiated only where they are called: the constructors of a span take long to compile.
    template <class Byte = std::byte>
    [[nodiscard]] std::span<Byte> span() noexcept {
        return {data(), size_};
    }
    template <class Byte = const std::byte>
    [[nodiscard]] std::span<Byte> span() const noexcept {
        return {data(), size_};
    }

    /// Keeps the capacity.
    void clear() noexcept { size_ = 0; }

    void reserve(std::size_t wanted) {
        if (wanted > capacity_) grow(wanted);
    }

    /// Keeps the bytes up to `size`; added bytes are uninitialised.
    void resize_uninitialized(std::size_t size) {
        reserve(size);
        size_ = size;
    }

    /// Appends `count` uninitialised bytes. @return their address
    [[nodiscard]] std::byte* extend(std::size_t count) {
        if (count > capacity_ - size_) {
            if (count > static_cast<std::size_t>(-1) / 4 - size_) throw std::bad_alloc();
            grow(size_ + count);
        }
        std::byte* const added = data() + size_;
        size_ += count;
        return added;
    }

    void append(std::span<const std::byte> bytes) { append(bytes.data(), bytes.size()); }
    void append(const std::byte* bytes, std::size_t count) {
        if (count != 0) std::memcpy(extend(count), bytes, count);
    }

private:
    void grow(std::size_t wanted) {
        std::size_t capacity = std::max(wanted, capacity_ * 2);
        auto* bigger =
            capacity < large_memory_from ? static_cast<std::byte*>(::operator new(capacity)) : allocate_large(capacity);
        std::memcpy(bigger, data(), size_);
        release();
        heap_ = bigger;
        capacity_ = capacity;
    }

    void release() noexcept {
        if (heap_ == nullptr) return;
        if (capacity_ < large_memory_from)
            ::operator delete(heap_);
        else
            free_large(heap_, capacity_);
    }

    void take(byte_buffer& other) noexcept {
        heap_ = other.heap_;
        size_ = other.size_;
        capacity_ = other.capacity_;
        if (!heap_) std::memcpy(inline_, other.inline_, size_);
        other.heap_ = nullptr;
        other.size_ = 0;
        other.capacity_ = inline_capacity;
    }

    std::byte* heap_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = inline_capacity;
    alignas(16) std::byte inline_[inline_capacity];  // left uninitialised on purpose
};

}  // namespace cadre::detail
