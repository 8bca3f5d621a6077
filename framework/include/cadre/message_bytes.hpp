/// @file
/// `message_bytes`: the bytes of a large message, which a channel passes from process to process without a copy.
///
///     cadre::channel<cadre::message_bytes> frames{ex, 8};
///     cadre::message_bytes frame{ex, 1 << 20};
///     std::ranges::fill(frame, std::byte{0});
///     co_await frames.send(std::move(frame));
///     auto received = co_await frames.receive();      // the same megabyte, in place
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/message_memory.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>

namespace cadre {

namespace detail {
struct message_access;
}  // namespace detail

/// Owns bytes, as a `std::vector<std::byte>` of fixed capacity does; move-only. If made for a process executor, the
/// bytes are in shared memory: `send` of a `channel<message_bytes>` transfers their ownership, and the receiver
/// accesses them in place, alone. If made for a local executor, or by default, the bytes are on the heap; a channel
/// between processes copies them. A message of up to 48 bytes may be copied. A move invalidates pointers to the bytes.
///
/// If the process that owns the bytes dies, they are freed. A hostile worker can still write into bytes that it has
/// sent: copy its bytes before you validate them.
///
/// Portable: as an argument or result of a call, or as a member of another type, the bytes are copied.
///
/// Thread safety: as `std::vector`.
class message_bytes {
public:
    using value_type = std::byte;

    /// No bytes.
    message_bytes() noexcept = default;
    /// `size` bytes of unspecified values, aligned to 16, in the memory of `ex`.
    /// @throws std::invalid_argument if `size` is negative, std::bad_alloc, executor_stopped
    template <std::integral N>
    message_bytes(const executor& ex, N size) : memory_(detail::domain_of(ex).messages(), checked(size)) {}
    /// A copy of `bytes` in the memory of `ex`. @throws std::bad_alloc, executor_stopped
    message_bytes(const executor& ex, std::span<const std::byte> bytes) : message_bytes(ex, bytes.size()) {
        if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
    }

    [[nodiscard]] std::byte* data() noexcept { return memory_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept { return memory_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return memory_.size(); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::byte* begin() noexcept { return data(); }
    [[nodiscard]] std::byte* end() noexcept { return data() + size(); }
    [[nodiscard]] const std::byte* begin() const noexcept { return data(); }
    [[nodiscard]] const std::byte* end() const noexcept { return data() + size(); }
    [[nodiscard]] std::span<std::byte> span() noexcept;
    [[nodiscard]] std::span<const std::byte> span() const noexcept;
    /// Unchecked.
    [[nodiscard]] std::byte& operator[](std::size_t i) noexcept { return data()[i]; }
    [[nodiscard]] const std::byte& operator[](std::size_t i) const noexcept { return data()[i]; }

    /// Keeps the first `size` bytes. @throws std::out_of_range if there are fewer
    void truncate(std::size_t size) {
        if (size > this->size()) throw std::out_of_range("cadre::message_bytes::truncate: there are fewer bytes");
        memory_.truncate(size);
    }

private:
    template <class N>
    static std::size_t checked(N size) {
        if (std::cmp_less(size, 0)) throw std::invalid_argument("cadre::message_bytes: a negative size");
        if (std::cmp_greater(size, std::numeric_limits<std::ptrdiff_t>::max())) throw std::bad_alloc();
        return static_cast<std::size_t>(size);
    }
    friend struct detail::message_access;

    detail::message_memory memory_;
};

namespace detail {

/// For channels and the codec.
struct message_access {
    [[nodiscard]] static message_memory& memory(message_bytes& bytes) noexcept { return bytes.memory_; }
};

template <class...>
struct type_list;
template <class T>
struct element_types_of;
template <class T>
struct codec;

template <>
struct element_types_of<message_bytes> {
    using type = type_list<>;
};

/// A copy of the bytes.
template <>
struct codec<message_bytes> {
    static void encode(encoder& out, const message_bytes& bytes);
    static message_bytes decode(decoder& in);
    static consteval std::size_t min_encoded_size() { return 1; }
};

}  // namespace detail

}  // namespace cadre
