/// @file
/// The parent's end of one worker's call memory: the rings and the messages that wait for room in them.
#pragma once

#include "process/parent/function_list.hpp"
#include "process/plane/call_memory.hpp"
#include "process/plane/descriptor_socket.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cadre::detail::process_parent {

/// `events()` needs the pool's `drain_mutex_`; everything else `calls_mutex_`.
class worker_link {
public:
    /// @param area_size of the areas of its memory
    explicit worker_link(std::uint64_t area_size);
    worker_link(const worker_link&) = delete;
    worker_link& operator=(const worker_link&) = delete;

    /// @param doorbell the eventfd that the worker's loop sleeps on; stays the caller's
    void set_doorbell(int doorbell) noexcept { doorbell_ = doorbell; }
    void set_descriptor_socket(unique_fd socket) noexcept {
        descriptors_ = process_plane::descriptor_socket(std::move(socket));
    }
    [[nodiscard]] const process_plane::call_memory& memory() const noexcept { return memory_; }
    [[nodiscard]] process_plane::control_block& control() const noexcept { return memory_.control(); }
    /// The call or task id that the worker runs; 0: none.
    [[nodiscard]] std::uint64_t running() const noexcept { return control().running.load(std::memory_order_relaxed); }

    /// The events that the worker sends.
    [[nodiscard]] process_plane::event_reader<process_plane::event_slots>& events() noexcept { return events_; }
    [[nodiscard]] const process_plane::event_reader<process_plane::event_slots>& events() const noexcept {
        return events_;
    }

    /// The file descriptors in that. Needs both locks.
    [[nodiscard]] process_plane::descriptor_socket& descriptors() noexcept { return descriptors_; }
    /// Copies bytes that the worker may read as long as it lives. Throws std::bad_alloc.
    [[nodiscard]] process_plane::block store(std::span<const std::byte> bytes);

    // Requests.

    /// Whether the ring has room and fewer than `depth` requests wait in it.
    [[nodiscard]] bool has_credit(std::uint64_t depth) noexcept {
        if (!requests_.has_room()) return false;
        if (waiting_bound_ < depth) return true;
        waiting_bound_ = requests_.queued();
        return waiting_bound_ < depth;
    }
    /// Publishes a request, for which there is credit. `external`: the block of its body, to be released when the call
    /// has ended or was revoked; empty if the body is in the slot. @return its position; empty if there is no memory
    /// for the body
    [[nodiscard]] std::optional<std::uint64_t> publish(process_plane::request& q,
                                                       std::span<const std::span<const std::byte>> body,
                                                       const function_list& functions,
                                                       process_plane::block& external) noexcept;
    void release(process_plane::block external) noexcept { area_.release(external); }
    /// Takes a request back. @return false if the worker has claimed it
    [[nodiscard]] bool revoke(std::uint64_t position) noexcept { return requests_.revoke(position); }
    [[nodiscard]] bool claimed(std::uint64_t position) const noexcept { return requests_.claimed(position); }
    /// Requests that the worker has not passed.
    [[nodiscard]] std::uint64_t waiting_requests() noexcept { return requests_.queued(); }
    /// Of those that were published, the ones it has passed. Needs a fresh `waiting_requests()`.
    [[nodiscard]] std::uint64_t passed_requests() const noexcept { return requests_.passed(); }
    /// Whether the worker has passed no request since the previous call. Needs a fresh `waiting_requests()`.
    [[nodiscard]] bool stalled() noexcept;

    // Messages. Functions that are not noexcept throw std::bad_alloc. A message whose ring is full waits until `flush`.

    /// Sends a reply to the worker's loop, with copies of `descriptors`. If these cannot be sent, the worker receives
    /// an error instead.
    void reply(const process_plane::event& e, std::span<const std::byte> body,
               std::span<const unique_fd> descriptors = {});
    /// As `reply`: sends the answer to a request for a shared object in another process. Only its status is sent if
    /// there is no memory, or if too many bytes of earlier answers are unread. @return false if there is no memory for
    /// the status either: the worker would wait forever
    [[nodiscard]] bool answer(std::uint64_t ticket, std::span<const std::byte> body) noexcept;
    /// Sends a command to the worker's control thread.
    void send_command(const process_plane::event& e);
    /// Sends the waiting messages. A reply for which there has been no memory for a second becomes an error: calls that
    /// wait for it may hold that memory. @return whether a message still waits
    bool flush() noexcept;
    /// Waiting replies to nested calls.
    [[nodiscard]] std::size_t waiting_replies() const noexcept { return waiting_replies_.size() - waiting_answers_; }
    /// Waiting answers about shared objects in other processes.
    [[nodiscard]] std::size_t waiting_answers() const noexcept { return waiting_answers_; }
    [[nodiscard]] std::size_t waiting_answer_bytes() const noexcept { return waiting_answer_bytes_; }
    static constexpr std::size_t max_waiting_answer_bytes = std::size_t{256} << 20;

    // Wake-ups of the worker's loop.

    /// Makes the next `ring_if_requested` ring.
    void request_ring() noexcept { ring_requested_ = true; }
    void ring_if_requested() noexcept {
        if (ring_requested_) ring();
    }
    /// Wakes the worker's loop if it sleeps and was not notified of this sleep yet.
    void ring() noexcept;
    /// Whether the worker's loop sleeps, or is about to.
    [[nodiscard]] bool asleep() const noexcept {
        return (control().state.load(std::memory_order_relaxed) & 3) ==
               static_cast<std::uint64_t>(process_plane::worker_state::asleep);
    }
    /// Rings a worker that waits for room in the event ring, after events were taken from it.
    void notify_room() noexcept;

private:
    struct waiting_reply {
        process_plane::event e;
        byte_buffer body{};
        std::vector<unique_fd> descriptors{};
        std::chrono::steady_clock::time_point without_memory_since{};  // the epoch: memory was not refused
    };
    void fail_without_memory() noexcept;
    template <std::size_t Slots>
    bool push(process_plane::event_writer<Slots>& ring, process_plane::event& e, std::span<const std::byte> body,
              std::span<const unique_fd> descriptors = {}) noexcept;
    [[nodiscard]] int copy_for_later(std::span<const unique_fd> descriptors, std::vector<unique_fd>& copies) const;

    process_plane::call_memory memory_;
    process_plane::block_allocator area_;
    process_plane::request_writer requests_;
    process_plane::event_writer<process_plane::reply_slots> replies_;
    process_plane::event_writer<process_plane::command_slots> commands_;
    process_plane::event_reader<process_plane::event_slots> events_;
    process_plane::descriptor_socket descriptors_;
    std::deque<waiting_reply> waiting_replies_;
    std::size_t waiting_answers_ = 0;  // the replies in `waiting_replies_` of the kind `home_answer`
    std::size_t waiting_answer_bytes_ = 0;  // size of the bodies of these answers
    std::deque<process_plane::event> waiting_commands_;

    int doorbell_ = -1;
    bool ring_requested_ = false;
    std::uint64_t notified_state_ = 0;  // the last sleep from which the worker was woken
    std::uint64_t waiting_bound_ = 0;  // requests in the ring, at most
    std::uint64_t passed_before_ = 0;  // requests that the worker had passed at the last `stalled`
    std::uint32_t functions_known_ = 0;  // entries of the worker's function table
};

}  // namespace cadre::detail::process_parent
