/// @file
/// The messages between worker processes and the home of their objects, which is the program's process: for the objects
/// of executors of several hosts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/state/channel_message.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/executor.hpp>

namespace cadre::detail {

/// The number of an object at its home. Never used again.
using home_number = std::uint64_t;

enum class home_kind : std::uint8_t { channel = 1, lock, semaphore, constant, cell, shared_lock, condition };

/// The operation that a process requests. A request is this byte, the number of the object, and the fields named in the
/// comment. Requests without an answer have the ticket 0.
enum class home_op : std::uint8_t {
    make_channel = 1,  ///< no object; u64 capacity; answer: its number
    make_lock,  ///< no object; answer: its number
    make_semaphore,  ///< no object; u64 permits; answer: its number
    make_constant,  ///< no object; u64 bytes; answer: its number
    make_cell,  ///< no object; u64 bytes, at most `max_cell`; answer: its number
    make_shared_lock,  ///< no object; answer: its number
    make_condition,  ///< no object; answer: its number
    hold,  ///< no answer: the process has a handle
    release,  ///< u64 count; no answer: it has dropped so many handles
    begin_transit,  ///< no answer: bytes that own the object are on their way
    end_transit,  ///< no answer: such bytes were decoded
    send,  ///< u64 whether it carries handles, the message; waits
    try_send,  ///< the same
    receive,  ///< waits; answer: u64 whether it carries handles, the message
    try_receive,  ///< the same answer
    confirm,  ///< u64 ticket of a receive or a notification; no answer: it has arrived
    give_back,  ///< u64 ticket of a receive or a notification; no answer: no task took it
    watch,  ///< u64 queue; waits until an operation is possible
    close,  ///< no answer
    closed,  ///< answer: u64 whether
    size,  ///< answer: u64
    lock,  ///< waits; answer: u64 whether the owner died; of a cell its bytes
    try_lock,  ///< the same answer
    unlock,  ///< of a cell maybe u64 offset, bytes to be written there; no answer
    undo_lock,  ///< u64 ticket of a lock that no task has taken; no answer
    lock_shared,  ///< waits; answer: u64 whether an owner died
    try_lock_shared,  ///< the same answer
    unlock_shared,  ///< no answer
    await_notification,  ///< of a condition; waits
    notify_waiters,  ///< of a condition; u64 count; no answer
    acquire,  ///< u64 permits; waits
    try_acquire,  ///< u64 permits
    return_permits,  ///< u64 permits; no answer
    forget_permits,  ///< u64 permits; no answer
    add_permits,  ///< u64 permits; `closed`: too many would exist
    available,  ///< answer: u64
    fill,  ///< bytes behind those that were sent before, of a constant that is being made; an answer if it has a ticket
    fetch,  ///< u64 offset; answer: a part of a constant, at most `constant_part` bytes
    exists,  ///< answer: u64 whether
    write,  ///< the bytes of a cell
    try_cell,  ///< the name of an operation on a cell, its state; answer: its state
    wait_cell,  ///< the same; waits
    notify,  ///< of a cell; no answer
};
inline constexpr auto last_home_op = home_op::notify;

/// Bytes of a cell: they travel at once.
inline constexpr std::uint64_t max_cell = std::uint64_t{1} << 19;

/// Bytes of a constant in one message.
inline constexpr std::size_t constant_part = std::size_t{1} << 20;
/// The largest constant.
inline constexpr std::uint64_t max_constant = std::uint64_t{1} << 40;

/// An answer is an `op_status` and what the request names. `would_block` is the answer to a wait that was stopped.
inline constexpr std::size_t answer_head = 1;

/// The status of an answer whose rest has found no memory on its way. The operation was performed: what it has given to
/// the worker must be given back.
inline constexpr std::byte performed_without_answer{0x80};

/// What is passed on of an answer that finds no memory on its way.
[[nodiscard]] inline std::byte status_without_answer(std::span<const std::byte> answer) noexcept {
    if (answer.empty()) return std::byte{static_cast<std::uint8_t>(op_status::broken)};
    if (answer.size() == answer_head) return answer.front();
    return answer.front() == std::byte{static_cast<std::uint8_t>(op_status::done)}
               ? performed_without_answer
               : std::byte{static_cast<std::uint8_t>(op_status::exhausted)};
}

/// The status of an answer, as the worker reads it.
struct answer_status {
    op_status outcome = op_status::broken;
    bool lost = false;  ///< performed, but the answer is incomplete: `outcome` is `exhausted`

    [[nodiscard]] static answer_status of(std::span<const std::byte> answer) noexcept {
        if (answer.empty()) return {};
        if (answer.front() == performed_without_answer) return {.outcome = op_status::exhausted, .lost = true};
        return {.outcome = static_cast<op_status>(answer.front())};
    }
};

/// Appends fixed fields with their layout in memory: all processes have one build.
template <class T>
void put(byte_buffer& to, T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    to.append(std::as_bytes(std::span(&value, 1)));
}
/// @throws codec_error if there is too little
template <class T>
[[nodiscard]] T take(decoder& in) {
    T value;
    std::memcpy(&value, in.read(sizeof value), sizeof value);
    return value;
}

/// A handle of such an object, encoded: this head, the identity of its domain, its number, and a channel's capacity or
/// the size of a constant or a cell. The heads of objects in shared memory do not have the bit `home`.
struct home_handle {
    static constexpr std::uint8_t home = 0x40;
    static constexpr std::uint8_t owned = 0x80;  ///< the bytes own the object, and are decoded once

    std::uint8_t head = 0;
    executor_identity domain{};
    home_number number = 0;
    std::uint64_t capacity = 0;

    void write(encoder& out) const {
        out.write_byte(head);
        out.write(&domain, sizeof domain);
        out.write(&number, sizeof number);
        out.write(&capacity, sizeof capacity);
    }
    /// @throws codec_error unless it is one of this kind
    [[nodiscard]] static home_handle read(decoder& in, home_kind kind) {
        home_handle h;
        h.head = in.read_byte();
        h.domain = take<executor_identity>(in);
        h.number = take<home_number>(in);
        h.capacity = take<std::uint64_t>(in);
        if ((h.head & ~owned) != (home | static_cast<std::uint8_t>(kind)))
            throw_malformed("a handle of another kind of shared object");
        return h;
    }
    [[nodiscard]] bool is_owned() const noexcept { return (head & owned) != 0; }
};

/// The name of such an object in the list at the end of a message. No process has this slot.
inline constexpr std::uint32_t home_slot = 0xffff'ff00u;

[[nodiscard]] inline handle_name home_name(home_kind kind, home_number number) noexcept {
    return {home_slot | static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(number),
            static_cast<std::uint32_t>(number >> 32)};
}
[[nodiscard]] inline bool is_home_name(const handle_name& n) noexcept {
    return (n.slot_and_kind & home_slot) == home_slot;
}
[[nodiscard]] inline home_kind kind_of(const handle_name& n) noexcept {
    return static_cast<home_kind>(n.slot_and_kind & 0xffu);
}
[[nodiscard]] inline home_number number_of(const handle_name& n) noexcept {
    return std::uint64_t{n.incarnation} << 32 | n.index;
}

/// Writes a handle into `out`; `self` stays alive with the context, if that does not let the bytes own their objects.
/// @return whether the bytes own the object
inline bool encode_home_handle(encoder& out, home_kind kind, const executor_identity& domain, home_number number,
                               std::uint64_t capacity, std::shared_ptr<const void> self) {
    const bool owned = out.context() == nullptr || out.context()->bytes_own_objects;
    home_handle h;
    h.head = static_cast<std::uint8_t>(home_handle::home | static_cast<std::uint8_t>(kind) |
                                       (owned ? home_handle::owned : 0));
    h.domain = domain;
    h.number = number;
    h.capacity = capacity;
    h.write(out);
    if (owned) return true;
    if (void* const names = out.context()->user) static_cast<handle_names*>(names)->push_back(home_name(kind, number));
    out.context()->keep_alive.push_back(std::move(self));
    return false;
}

}  // namespace cadre::detail
