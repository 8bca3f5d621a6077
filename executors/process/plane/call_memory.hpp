/// @file
/// The call memory of one worker: shared by the worker and the parent alone.
#pragma once

#include "base/mapped_memory.hpp"
#include "process/os/crash_page.hpp"
#include "process/os/unique_fd.hpp"
#include "process/plane/item_watch.hpp"
#include "process/plane/message_ring.hpp"
#include "process/plane/request_ring.hpp"
#include "process/plane/trace_ring.hpp"
#include "shm/region_shape.hpp"

#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

namespace cadre::detail::process_plane {

inline constexpr std::size_t event_slots = 1024;  // worker to parent
inline constexpr std::size_t reply_slots = 256;   // parent to worker's loop
inline constexpr std::size_t command_slots = 128;   // parent to worker's control thread

/// Bytes of results after which a worker ends a chunk early, so that the parent passes on what it holds.
inline constexpr std::size_t max_chunk_results = std::size_t{16} << 20;

inline constexpr std::size_t function_slots = 4096;
/// How a function of the table is encoded: its identity, and the path of a library that was loaded late.
struct function_slot {
    std::uint32_t size;
    std::byte bytes[252];
};

/// Written by the parent before it starts the worker.
struct worker_setup {
    std::uint32_t index;  ///< this_worker::index()
    std::uint32_t count;
    std::uint32_t tasks_per_worker;  ///< unfinished tasks; 0: no limit
    std::uint32_t retries;         // by default
    std::int64_t task_timeout;        // nanoseconds; 0: none
    std::uint64_t memory_soft_limit;  // bytes; 0: none
    std::uint32_t limits_memory;   // 1: the worker has a soft or a hard limit
    std::uint32_t domain;          // of the executor's channels, cells and locks
    std::uint32_t trace;           // 1: the worker records its tasks
    executor_identity portable_id;  // of the executor's handles
    shm::program_id program;       // part of the handles of shared objects
    shm::region_shape region;      // of the memory of shared objects
    /// A function, and the bytes that are passed to it, which are in the parent's area.
    struct action {
        function_slot run;  // size 0: none
        block bytes;
    };
    action initializer;
    action finalizer;
    executor_kind kind;  // of the executor, as tasks see it
    char executor_name[64];
    char host[64];  // named in errors; empty: not named
};

enum class worker_state : std::uint64_t { starting = 0, awake = 1, asleep = 2 };

/// The words. Each group has one writer and a cache line of its own.
struct control_block {
    worker_setup setup;  // parent, before the start

    // worker_state in the low two bits, the number of changes above them:
    //
    // | from | to | by | order |
    // | --- | --- | --- | --- |
    // | starting, awake | asleep | worker's loop, before it polls the rings once more and sleeps | relaxed, then a full
    // fence |
    // | asleep | awake | worker's loop, when it wakes | relaxed, then a full fence |
    //
    // The parent publishes, fences and loads it: either it sees `asleep` and rings, once for each value, or the last
    // poll sees what was published.
    alignas(64) std::atomic<std::uint64_t> state;
    std::atomic<std::int32_t> cpu;  // worker

    // What the worker's loop runs, so that a death is attributed to the right task.
    alignas(64) std::atomic<std::uint64_t> running;  // worker: id of the call, 0: nothing
    // For reports: the call that began last, and when. Relaxed.
    std::atomic<std::uint64_t> begun;  // worker: its id
    std::atomic<std::int64_t> begun_at;  // worker

    alignas(64) std::atomic<std::uint64_t> requests_consumed;  // worker
    alignas(64) std::atomic<std::uint64_t> events_consumed;  // parent
    alignas(64) std::atomic<std::uint64_t> replies_consumed;  // worker
    alignas(64) std::atomic<std::uint64_t> commands_consumed;  // worker

    // 1: set by the worker when its event ring is full; 0: by the parent, which then rings.
    alignas(64) std::atomic<std::uint32_t> events_blocked;
    // 1: set by the parent when it has handled `retires`: what it publishes from now on is meant for this worker;
    // release.
    std::atomic<std::uint32_t> retiring;
    alignas(64)
        std::atomic<std::uint32_t> command_bell;  // both sides increment it: the futex that the control thread waits on

    alignas(64) item_watch watches[item_watches];  // both sides: see item_watch.hpp
};

/// Wakes the worker's control thread.
void ring_commands(control_block& control) noexcept;

/// The mapping of the memfd, which begins with `layout`.
class call_memory {
public:
    struct layout {
        control_block control;
        alignas(4096) slot requests[request_slots];
        slot events[event_slots];
        slot replies[reply_slots];
        slot commands[command_slots];
        alignas(4096) function_slot functions[function_slots];
        alignas(4096) trace_ring trace;
    };
    static constexpr std::uint64_t crash_offset = (sizeof(layout) + 4095) / 4096 * 4096;
    static constexpr std::uint64_t parent_area = crash_offset + process_os::crash_page_size;

    /// The largest size of an area.
    static constexpr std::uint64_t max_area = std::uint64_t{4} << 30;
    /// The size of an area in the memories of an executor with so many workers: as large as the address space of this
    /// process allows, which is what it takes; it is sparse.
    [[nodiscard]] static std::uint64_t area_size_for(std::uint32_t workers) noexcept;
    /// Creates one. Throws std::system_error.
    [[nodiscard]] static call_memory create(std::uint64_t area_size);
    /// Maps one that the parent created. Throws std::system_error.
    [[nodiscard]] static call_memory attach(int memfd);

    [[nodiscard]] std::uint64_t total() const noexcept { return mapped_.get_size(); }
    [[nodiscard]] std::uint64_t area_size() const noexcept { return (total() - parent_area) / 2; }
    /// No larger body is sent where a wait for room would have no end: to or from a task that waits for a nested call.
    [[nodiscard]] std::uint64_t max_nested_body() const noexcept { return area_size() / 2; }
    [[nodiscard]] std::uint64_t worker_area() const noexcept { return parent_area + area_size(); }
    [[nodiscard]] layout& parts() const noexcept { return *reinterpret_cast<layout*>(base()); }
    [[nodiscard]] control_block& control() const noexcept { return parts().control; }
    [[nodiscard]] const process_os::crash_page& crash() const noexcept {
        return *reinterpret_cast<const process_os::crash_page*>(base() + crash_offset);
    }
    [[nodiscard]] std::byte* base() const noexcept { return static_cast<std::byte*>(mapped_.get_address()); }
    [[nodiscard]] int descriptor() const noexcept { return memfd_.get(); }
    /// Whether all of `bytes`, which are in this memory, were written: reading a hole would take memory that the writer
    /// never had.
    [[nodiscard]] bool written(std::span<const std::byte> bytes) const noexcept;

private:
    explicit call_memory(process_os::unique_fd memfd);

    process_os::unique_fd memfd_;
    mapped_region mapped_;
};

/// The longest message: arguments with the name of their call, or a result. Where little address space is left, a
/// shorter one may find no memory.
inline constexpr std::uint64_t max_message = call_memory::max_area - (std::uint64_t{1} << 20);
/// A not_portable: `what` has `size` bytes, more than a message holds.
[[nodiscard]] std::exception_ptr too_large(const char* what, std::uint64_t size);

/// Fills `message`'s body from `parts`: in the slot if it fits, else in a block of `area`.
/// @return false if there is no memory; `body` is the block, if one was taken
template <class Message>
[[nodiscard]] bool put_body(Message& message, block_allocator& area, block& body,
                            std::span<const std::span<const std::byte>> parts) noexcept {
    std::size_t total = 0;
    for (const auto& part : parts)
        total += part.size();
    std::byte* to = message.body;
    message.flags = static_cast<std::uint8_t>(message.flags & ~Message::external);
    message.inline_size = static_cast<std::uint8_t>(total);
    if (total > inline_body) {
        body = area.allocate(total);
        if (body.size == 0) return false;
        message.flags = static_cast<std::uint8_t>(message.flags | Message::external);
        message.inline_size = 0;
        const block exact{body.offset, total};
        std::memcpy(message.body, &exact, sizeof exact);
        to = area.at(body);
    }
    for (const auto& part : parts) {
        if (part.empty()) continue;
        std::memcpy(to, part.data(), part.size());
        to += part.size();
    }
    return true;
}

/// Finds the body of `message`: in the private copy of the message or in the sender's area [begin, begin + area_size),
/// which a trusted sender does not leave. Bytes in the area are shared: copy them once and use the copy.
/// @return false if the message breaks the protocol
template <class Message>
[[nodiscard]] bool find_body(const Message& message, const std::byte* base, std::uint64_t begin,
                             std::span<const std::byte>& body, std::uint64_t area_size = UINT64_MAX) noexcept {
    if ((message.flags & Message::external) == 0) {
        if (message.inline_size > inline_body) return false;
        body = {message.body, message.inline_size};
        return true;
    }
    block b;
    std::memcpy(&b, message.body, sizeof b);
    if (!inside(b, begin, area_size)) return false;
    body = {base + b.offset, static_cast<std::size_t>(b.size)};
    return true;
}

}  // namespace cadre::detail::process_plane
