/// @file
/// Sends the events of a worker to the parent: pushed into the ring, or kept until there is room.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/plane/descriptor_socket.hpp"
#include "process/plane/supervisor_status_page.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

namespace cadre::detail::process_worker {

/// Thread-safe.
///
/// An event whose body finds no memory waits until the parent has read what is in flight, which frees memory. If
/// nothing is in flight, the body goes into `spare_`; one that is too large for it is replaced by an error, so that no
/// event waits forever.
class event_sender {
public:
    /// Throws std::bad_alloc.
    event_sender(const process_plane::call_memory& memory, const process_plane::supervisor_status_page& page,
                 int loop_bell, int supervisor_bell, process_plane::descriptor_socket& socket);

    enum class notice : std::uint8_t {
        later,  ///< `notify_pending` follows soon: one wake-up for many results
        now,
        urgent,  ///< the supervisor must handle it if the parent's loop computes
    };
    /// @return whether the parent can read it now; else it waits for room
    bool send(process_plane::event e, std::span<const std::span<const std::byte>> body,
              notice when = notice::now) noexcept;
    /// The same with file descriptors, of which copies are sent; they stay open until the parent has handled the event.
    void send_with(process_plane::event e, std::span<const std::span<const std::byte>> body, notice when,
                   std::span<const unique_fd> descriptors) noexcept {
        send_with(e, body, when, descriptors, nullptr);
    }
    /// The same with file descriptors that are closed when they have been sent.
    void send_last(process_plane::event e, std::span<const std::span<const std::byte>> body, notice when,
                   std::vector<unique_fd> descriptors) noexcept {
        send_with(e, body, when, descriptors, &descriptors);
    }
    /// Notifies the parent of what was sent with `later`.
    void notify_pending() noexcept;
    /// Whether the parent has read all that was sent.
    [[nodiscard]] bool all_read() noexcept;
    /// The same without the lock, for the thread that has sent.
    [[nodiscard]] bool may_be_unread() const noexcept {
        return control_.events_consumed.load(std::memory_order_relaxed) < sent_.load(std::memory_order_relaxed);
    }
    /// Whether something was sent with `later` of which the parent has not been notified.
    [[nodiscard]] bool has_pending() const noexcept { return has_pending_.load(std::memory_order_relaxed); }

    /// A block of the worker's area, which the parent can read; size 0: there is no memory.
    [[nodiscard]] process_plane::block allocate_block(std::uint64_t size) noexcept;
    /// Releases the block when all events that wait now are in the ring: until then the parent may still read it.
    void release_block(process_plane::block b) noexcept;
    /// The maximum size of the body of a nested call.
    [[nodiscard]] std::uint64_t max_nested_body() const noexcept { return max_nested_body_; }
    [[nodiscard]] std::byte* at(process_plane::block b) const noexcept { return area_.at(b); }
    /// Sends an event whose body is a block that stays the caller's. The parent is not notified: another event follows.
    void send_block(process_plane::event e, process_plane::block b) noexcept;

    /// Sends an event with a body inside of `owner`, which becomes the sender's: it is released when the parent has
    /// read the body.
    void send_owned(process_plane::event e, process_plane::block owner, std::span<const std::byte> body,
                    notice when) noexcept;

    /// Sends what waits for room. @return whether anything was sent
    bool flush() noexcept;
    /// For the control thread while the loop computes: notifies the parent of events that it has not read since the
    /// previous call.
    void remind() noexcept;
    /// The loop goes to sleep: rings the supervisor if a busy parent has not read all events.
    void before_sleep() noexcept;

private:
    struct waiting {
        process_plane::event e;
        byte_buffer body{};
        std::span<const unique_fd> descriptors{};
        std::vector<unique_fd> owned{};  // the same descriptors, if they are to be closed after they were sent
        bool placed = false;  // the body is in `e` or in a block
        process_plane::block
            owner{};  // block of the body, released after it was read; empty: the caller keeps the body
        std::vector<process_plane::block> release_after{};  // see `release_block`
    };
    bool send_with(process_plane::event e, std::span<const std::span<const std::byte>> body, notice when,
                   std::span<const unique_fd> descriptors, std::vector<unique_fd>* owner) noexcept;
    // These need `mutex_`.
    [[nodiscard]] bool push(process_plane::event& e, std::span<const std::span<const std::byte>> body,
                            std::span<const unique_fd> descriptors) noexcept;
    void push_placed(const process_plane::event& e, process_plane::block owner) noexcept;
    // @return false: the body was replaced, and needs no descriptors
    [[nodiscard]] bool put_into_spare(process_plane::event& e,
                                      std::span<const std::span<const std::byte>> body) noexcept;
    [[nodiscard]] bool push_descriptors(process_plane::event& e, std::span<const unique_fd> descriptors) noexcept;
    [[nodiscard]] bool push(waiting& w) noexcept;
    void announce(notice when) noexcept;
    void keep(const process_plane::event& e, std::span<const std::span<const std::byte>> body,
              std::span<const unique_fd> descriptors, std::vector<unique_fd>* owner);
    bool push_waiting() noexcept;
    static void ring(int bell) noexcept;
    void notify(bool urgent) noexcept;

    process_plane::control_block& control_;
    process_plane::parent_words& parent_;
    const int loop_bell_;
    const int supervisor_bell_;

    std::mutex mutex_;  // under it: doorbells, which run nothing
    const std::uint64_t max_nested_body_;
    process_plane::block_allocator area_;
    // Holds the body of the only event in flight. Every body of several items fits: a chunk_progress is smaller.
    const process_plane::block spare_;
    process_plane::event_writer<process_plane::event_slots> ring_;
    process_plane::descriptor_socket& socket_;
    std::deque<waiting> waiting_;
    std::atomic<bool> has_pending_{false};
    // Whether something waits for room. Another thread's event is flushed when the ring of the parent has woken the
    // loop.
    std::atomic<bool> has_waiting_{false};
    std::atomic<std::uint64_t> sent_{0};  // events in the ring so far, for `may_be_unread`
    std::uint64_t sent_before_ = 0;  // events sent at the previous `remind`
    std::uint64_t notified_loop_ = 0;  // `parent_words::sleep` of the last sleep that was ended
    std::uint64_t notified_supervisor_ = 0;  // events sent when the supervisor was last notified
};

}  // namespace cadre::detail::process_worker
