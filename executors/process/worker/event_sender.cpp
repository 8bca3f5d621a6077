#include "process/worker/event_sender.hpp"

#include "base/doorbell.hpp"
#include "process/plane/chunk_progress.hpp"
#include "process/worker/descriptor_check.hpp"
#include "process/worker/forked_child.hpp"
#include "process/worker/replacement_body.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace cadre::detail::process_worker {

using process_plane::block;
using process_plane::call_memory;
using process_plane::event;
using process_plane::event_kind;
using process_plane::loop_state;

namespace {

constexpr std::uint64_t spare_size = process_plane::chunk_progress::capacity + 4096;

block take_spare(process_plane::block_allocator& area) {
    const block b = area.allocate_pages(spare_size);
    if (b.size == 0) throw std::bad_alloc();
    return b;
}

}  // namespace

event_sender::event_sender(const call_memory& memory, const process_plane::supervisor_status_page& page, int loop_bell,
                           int supervisor_bell, process_plane::descriptor_socket& socket)
    : control_(memory.control()), parent_(page.words()), loop_bell_(loop_bell), supervisor_bell_(supervisor_bell),
      max_nested_body_(memory.max_nested_body()),
      area_(memory.descriptor(), memory.base(), memory.worker_area(), memory.area_size()), spare_(take_spare(area_)),
      ring_(memory.parts().events, memory.control().events_consumed, area_), socket_(socket) {}

bool event_sender::send(event e, std::span<const std::span<const std::byte>> body, notice when) noexcept {
    return send_with(e, body, when, {}, nullptr);
}

bool event_sender::send_with(event e, std::span<const std::span<const std::byte>> body, notice when,
                             std::span<const unique_fd> descriptors, std::vector<unique_fd>* owner) noexcept {
    end_if_forked();
    const std::lock_guard hold(mutex_);
    if (!waiting_.empty() || !push(e, body, descriptors)) {
        keep(e, body, descriptors, owner);
        has_waiting_.store(true, std::memory_order_release);  // before the request to notify this side of room
        (void)push_waiting();
    }
    announce(when);
    return waiting_.empty();
}

void event_sender::notify_pending() noexcept {
    if (!has_pending()) return;
    const std::lock_guard hold(mutex_);
    notify(false);
}

bool event_sender::all_read() noexcept {
    const std::lock_guard hold(mutex_);
    return waiting_.empty() && ring_.all_read();
}

block event_sender::allocate_block(std::uint64_t size) noexcept {
    const std::lock_guard hold(mutex_);
    return area_.allocate(size);
}

void event_sender::release_block(block b) noexcept {
    const std::lock_guard hold(mutex_);
    if (waiting_.empty())
        area_.release(b);
    else
        waiting_.back().release_after.push_back(b);
}

void event_sender::send_block(event e, block b) noexcept {
    end_if_forked();
    const std::lock_guard hold(mutex_);
    e.flags = event::external;
    std::memcpy(e.body, &b, sizeof b);
    push_placed(e, {});
}

void event_sender::send_owned(event e, block owner, std::span<const std::byte> body, notice when) noexcept {
    end_if_forked();
    const std::lock_guard hold(mutex_);
    if (body.size() <= process_plane::inline_body) {
        e.inline_size = static_cast<std::uint8_t>(body.size());
        if (!body.empty()) std::memcpy(e.body, body.data(), body.size());
    } else {
        e.flags = static_cast<std::uint8_t>(e.flags | event::external);
        const block exact{owner.offset + static_cast<std::uint64_t>(body.data() - area_.at(owner)), body.size()};
        std::memcpy(e.body, &exact, sizeof exact);
    }
    push_placed(e, owner);
    announce(when);
}

void event_sender::push_placed(const event& e, block owner) noexcept {
    if (waiting_.empty() && ring_.has_room()) {
        ring_.push(e, owner);
        return;
    }
    waiting_.push_back({.e = e, .placed = true, .owner = owner});
    has_waiting_.store(true, std::memory_order_release);
    (void)push_waiting();
}

void event_sender::announce(notice when) noexcept {
    sent_.store(ring_.sent(), std::memory_order_relaxed);
    has_waiting_.store(!waiting_.empty(), std::memory_order_relaxed);
    if (when == notice::later)
        has_pending_.store(true, std::memory_order_relaxed);
    else
        notify(when == notice::urgent);
}

// Only two failures are temporary: a full socket, which the parent reads, and a lack of memory.
bool event_sender::push_descriptors(event& e, std::span<const unique_fd> descriptors) noexcept {
    if (descriptors.empty()) return true;
    switch (socket_.send(descriptors)) {
        case 0: e.flags = static_cast<std::uint8_t>(e.flags | event::descriptors); return true;
        case EAGAIN:
        case ETOOMANYREFS:
        case ENOBUFS:
        case ENOMEM: return false;
        default: return true;  // the receiver reports that they are missing
    }
}

bool event_sender::push(event& e, std::span<const std::span<const std::byte>> body,
                        std::span<const unique_fd> descriptors) noexcept {
    if (!ring_.has_room()) return false;
    block external;
    if (!process_plane::put_body(e, area_, external, body)) {
        if (!ring_.all_read() || !ring_.has_room()) return false;
        // All blocks in flight have been released by now.
        if (!process_plane::put_body(e, area_, external, body) && !put_into_spare(e, body)) descriptors = {};
    }
    if (!push_descriptors(e, descriptors)) {
        area_.release(external);
        return false;
    }
    ring_.push(e, external);
    return true;
}

bool event_sender::put_into_spare(event& e, std::span<const std::span<const std::byte>> body) noexcept {
    byte_buffer replacement;
    std::uint64_t size = 0;
    for (const auto& part : body)
        size += part.size();
    std::array<std::span<const std::byte>, 1> only;
    const bool fits = size <= spare_.size;
    if (!fits) {
        replacement = replacement_body(e, body, size);
        only[0] = replacement.span().first(std::min<std::size_t>(replacement.size(), spare_.size));
        body = only;
    }
    std::byte* to = area_.at(spare_);
    for (const auto& part : body) {
        if (!part.empty()) std::memcpy(to, part.data(), part.size());
        to += part.size();
    }
    const block written{spare_.offset, static_cast<std::uint64_t>(to - area_.at(spare_))};
    e.flags = static_cast<std::uint8_t>(e.flags | event::external);
    e.inline_size = 0;
    std::memcpy(e.body, &written, sizeof written);
    return fits;
}

void event_sender::keep(const event& e, std::span<const std::span<const std::byte>> body,
                        std::span<const unique_fd> descriptors, std::vector<unique_fd>* owner) {
    waiting w{.e = e, .descriptors = descriptors};
    if (owner != nullptr)
        w.owned = std::move(*owner);  // `descriptors` refers to its elements, whose addresses are stable

    for (const auto& part : body)
        w.body.append(part);
    waiting_.push_back(std::move(w));
}

bool event_sender::push(waiting& w) noexcept {
    if (!w.placed) return push(w.e, std::array{std::span<const std::byte>(w.body.span())}, w.descriptors);
    if (!ring_.has_room()) return false;
    ring_.push(w.e, w.owner);
    return true;
}

bool event_sender::flush() noexcept {
    if (!has_waiting_.load(std::memory_order_acquire)) return false;
    const std::lock_guard hold(mutex_);
    const bool any = push_waiting();
    has_waiting_.store(!waiting_.empty(), std::memory_order_relaxed);
    if (any) notify(false);
    return any;
}

bool event_sender::push_waiting() noexcept {
    bool any = false;
    for (bool announced = false; !waiting_.empty();) {
        if (push(waiting_.front())) {
            for (const block b : waiting_.front().release_after)
                area_.release(b);
            waiting_.pop_front();
            any = true;
            continue;
        }
        if (std::exchange(announced, true)) break;
        // Pairs with worker_link::notify_room, which frees slots, fences, and loads this word: store it, fence, try
        // again.
        control_.events_blocked.store(1, std::memory_order_relaxed);
        process_plane::full_fence();
    }
    return any;
}

void event_sender::ring(int bell) noexcept {
    if (!doorbell::ring(bell)) end_without_descriptors();
}

// Pairs with status_publisher::set_loop_state: the parent's loop stores `asleep`, fences and polls the rings once more.
void event_sender::notify(bool urgent) noexcept {
    has_pending_.store(false, std::memory_order_relaxed);
    process_plane::full_fence();
    const std::uint64_t word = parent_.sleep.load(std::memory_order_acquire);
    if (process_plane::parent_words::state_of(word) == loop_state::asleep) {
        if (std::exchange(notified_loop_, word) != word) ring(loop_bell_);
    } else if (urgent && parent_.turn_state() == loop_state::busy &&
               control_.events_consumed.load(std::memory_order_relaxed) >= notified_supervisor_) {
        notified_supervisor_ = ring_.sent();
        ring(supervisor_bell_);
    }
}

void event_sender::remind() noexcept {
    const std::lock_guard hold(mutex_);
    const bool found_room = push_waiting();
    const std::uint64_t before = std::exchange(sent_before_, ring_.sent());
    if (found_room || control_.events_consumed.load(std::memory_order_acquire) < before) notify(true);
}

void event_sender::before_sleep() noexcept {
    const std::lock_guard hold(mutex_);
    if (ring_.all_read() || notified_supervisor_ == ring_.sent()) return;
    process_plane::full_fence();
    if (parent_.state() != loop_state::busy) return;
    notified_supervisor_ = ring_.sent();
    ring(supervisor_bell_);
}

}  // namespace cadre::detail::process_worker
