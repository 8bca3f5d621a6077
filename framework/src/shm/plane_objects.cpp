#include "shm/plane_objects.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

#include <cadre/errors.hpp>

#include "shm/process_spin.hpp"
#include "state/home_protocol.hpp"

namespace cadre::detail::shm {

namespace {

/// A process that is suspended within a run delays the messages behind it, so a run is short.
unsigned run_length(std::size_t messages) noexcept {
    return static_cast<unsigned>(std::min<std::size_t>(messages, 32));
}

void copy_item(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    if (size == sizeof(std::uint64_t))
        std::memcpy(to, from, sizeof(std::uint64_t));  // one load and one store
    else
        std::memcpy(to, from, size);
}

}  // namespace

plane_channel::plane_channel(std::shared_ptr<object_handle> handle) noexcept
    : plane_object(std::move(handle)),
      core_(handle_->core().memory, handle_->data().data, handle_->data().parameter, handle_->core().table.self()) {}

op_status plane_channel::try_send(std::span<const std::byte> message, bool carries) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    const op_status a = carries ? enqueue_carrier(message) : enqueue(message, false);
    if (a == op_status::done) {
        count(senders);
        wake(receivers);
    }
    return a;
}

op_status plane_channel::enqueue(std::span<const std::byte> message, bool carries) noexcept {
    if (message.size() <= channel_cell::room) return core_.send(message, carries);
    const op_status possible = core_.may_send();
    if (possible != op_status::done) return possible;  // before the message is copied
    plane_core& plane = handle_->core();
    const block_location b = plane.space.allocate(message.size()).block;
    if (b.offset == 0) return op_status::exhausted;
    std::memcpy(plane.memory.at<std::byte>(b.data()), message.data(), message.size());
    length_of(plane.memory, b.offset).store(message.size(), std::memory_order_relaxed);
    const op_status a = core_.send_block(b.offset, carries);
    if (a != op_status::done) arena::release(plane.memory, b.offset, held_by(plane.table.self()));
    return a;
}

op_status plane_channel::enqueue_carrier(std::span<const std::byte> message) noexcept {
    const op_status possible = core_.may_send();
    if (possible != op_status::done) return possible;
    handle_names names;
    try {
        static_cast<void>(read_names(message, names));
    } catch (...) {
        return op_status::exhausted;
    }
    if (std::ranges::any_of(names, is_home_name)) return op_status::foreign;
    object_table& objects = handle_->core().objects;
    for (const handle_name n : names)
        objects.add_queued(named(n));
    const op_status a = enqueue(message, true);
    if (a != op_status::done)
        for (const handle_name n : names)
            objects.remove_queued(named(n));
    return a;
}

op_status plane_channel::try_receive(byte_buffer& into, held_objects* held) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    unsigned skipped = 0;
    handle_names names;
    held_objects local;
    held_objects& kept = held != nullptr ? *held : local;
    const op_status a = core_.receive(into, skipped, [&] { hold_carried(into, names, kept); }, in_stream(receivers));
    if (a == op_status::done)
        for (const handle_name n : names)
            handle_->core().objects.remove_queued(named(n));
    after_receive(a, skipped);
    return a;
}

std::size_t plane_channel::try_send_run(std::span<const std::byte> messages, std::size_t size) noexcept {
    if (handle_->stopped() || size == 0 || size > channel_cell::room || messages.size() < size) return 0;
    const auto write = [&](channel_cell& c, unsigned i) {
        c.length.store(size, std::memory_order_relaxed);
        copy_item(c.bytes, messages.data() + i * size, size);
    };
    unsigned sent = 0;
    if (core_.send_run(run_length(messages.size() / size), write, sent) != op_status::done) return 0;
    wake(receivers);
    return sent;
}

std::size_t plane_channel::try_receive_run(std::span<std::byte> into, std::size_t size) noexcept {
    if (handle_->stopped() || size == 0 || size > channel_cell::room || into.size() < size) return 0;
    const auto fits = [&](std::uint64_t length) { return length == size; };
    const auto copy = [&](const channel_cell& c, unsigned i) { copy_item(into.data() + i * size, c.bytes, size); };
    const unsigned received = core_.receive_run(run_length(into.size() / size), fits, copy);
    if (received != 0) after_receive(op_status::done, 0);
    return received;
}

void plane_channel::after_receive(op_status a, unsigned skipped) noexcept {
    if (a == op_status::done) count(receivers);
    const bool taken = a == op_status::done || a == op_status::broken;  // an invalid message is discarded
    if (taken || skipped != 0) wake(senders);
    if (a == op_status::exhausted) wake(receivers);  // the message is still queued
    // The last receivers of a closed channel wait until no message is being taken; this may have been the last one. If
    // the channel is just being closed, the closing process rings them.
    if (taken && core_.closing()) wake_all(receivers);
}

op_status plane_channel::try_send_memory(message_memory& message) noexcept {
    plane_core& plane = handle_->core();
    if (message.pool() != &plane.messages) return shared_channel::try_send_memory(message);
    if (handle_->stopped()) return op_status::stopped;
    const std::uint64_t offset = plane.messages.block_of(message.span().data());
    length_of(plane.memory, offset).store(message.span().size(), std::memory_order_relaxed);
    const op_status a = core_.send_block(offset);
    if (a != op_status::done) return a;
    message.disown();  // the receiver may have the block already
    wake(receivers);
    return a;
}

op_status plane_channel::try_receive_memory(message_memory& into) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    struct block_taker {
        message_memory& message;
        plane_core& plane;
        void resize_uninitialized(std::size_t size) { message.private_bytes().resize_uninitialized(size); }
        [[nodiscard]] std::byte* data() noexcept { return message.private_bytes().data(); }
        void adopt(std::uint64_t offset, std::size_t size) noexcept {
            message.adopt(plane.messages, plane.memory.at<std::byte>(offset + sizeof(block_header)), size);
        }
    } taker{into, handle_->core()};
    into.reset();
    unsigned skipped = 0;
    const op_status a = core_.receive(taker, skipped);
    after_receive(a, skipped);
    return a;
}

/// Acquires the objects of the message's handles before the message is consumed. `names` gets those that exist.
void plane_channel::hold_carried(byte_buffer& message, handle_names& names, held_objects& held) {
    handle_names all;
    message.resize_uninitialized(message.size() - read_names(message.span(), all));
    names.reserve(all.size());
    held.reserve(all.size());
    for (const handle_name n : all) {
        const object_ref o = named(n);
        if (!handle_->core().objects.plausible(o)) continue;
        try {
            held.push_back(find_object(handle_->core(), o));
            names.push_back(n);
        } catch (const error&) {  // decoding the handle reports the error
        }
    }
}

void plane_channel::close() noexcept {
    if (!handle_->here()) return;
    core_.close();
    wake_all(receivers);
    wake_all(senders);
}

// A stream whose sides keep up with each other would wait and be woken for each message, or take the lines of cells and
// indices from each other for each. A receiver that waits two microseconds finds tens of messages, and a sender as many
// free cells. Who has waited for the last messages one by one is no part of a stream, and is woken faster than that.
bool plane_channel::park(pending_operation& p) noexcept {
    p.object = this;  // for `try_now`
    const bool spins = in_stream(p.queue);
    streak_[p.queue].store(0, std::memory_order_relaxed);
    const auto expected = [&] { return !has_waiters(p.queue) && handle_->core().table.any_runs_elsewhere(); };
    const auto done = [&] {
        if (has_waiters(p.queue) || !ready(p.queue)) return false;
        p.outcome = p.try_now(p);
        return p.outcome != op_status::would_block;
    };
    if (spins && process_spin({.first = std::chrono::microseconds(2), .polls = 2}, expected, done)) return false;
    return plane_object::park(p);
}

plane_lock::plane_lock(std::shared_ptr<object_handle> handle) noexcept
    : plane_object(std::move(handle)), core_(handle_->entry().lock, handle_->core().table.self()) {}

op_status plane_lock::try_lock(bool& owner_died) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    return core_.try_lock(owner_died);
}

void plane_lock::unlock() noexcept {
    if (!handle_->here()) return;
    if (handle_->others_interested(0) && barged_.fetch_add(1, std::memory_order_relaxed) + 1 >= max_barging) {
        barged_.store(0, std::memory_order_relaxed);
        const auto result = hand_over(*handle_, core_);
        if (result == hand_over_result::revoked) wake(0);
        if (result != hand_over_result::no_taker) return;
    }
    if (core_.unlock()) wake(0);
}

// Two processes that take turns at a lock hold it for some tens of nanoseconds, and suspend and wake each other for a
// microsecond or more.
bool plane_lock::park(pending_operation& p) noexcept {
    p.object = this;  // for `try_now`
    const auto expected = [&] {
        if (has_waiters(p.queue)) return false;  // earlier waiters go first
        const auto holder = core_.holder();
        return holder ? handle_->core().table.runs_elsewhere(*holder) : core_.available();
    };
    const auto taken = [&] {
        if (has_waiters(p.queue) || !core_.available()) return false;
        p.outcome = p.try_now(p);
        return p.outcome != op_status::would_block;
    };
    return !process_spin({.first = std::chrono::nanoseconds(500), .polls = 3}, expected, taken) &&
           plane_object::park(p);
}

hand_over_result hand_over(object_handle& handle, lock_core<>& core) noexcept {
    const auto to = handle.next_waiting(0);
    if (!to || !core.grant(*to)) return hand_over_result::no_taker;
    // The grantee clears its interest before it checks for a grant to revoke; this process grants before it checks for
    // the interest. A grantee that has just become busy would leave the lock idle until its work item ends.
    process_table& table = handle.core().table;
    const bool takes = handle.interested(0, to->slot) && table.live(*to) &&
                       table.ring(to->slot, handle.ring_bit()) != process_table::ring_result::deferred;
    return !takes && core.revoke_grant(*to) ? hand_over_result::revoked : hand_over_result::granted;
}

plane_semaphore::plane_semaphore(std::shared_ptr<object_handle> handle)
    : plane_object(std::move(handle)),
      core_(handle_->data().data, handle_->core().memory.slots(), handle_->core().table.self(),
            handle_->far() != nullptr ? handle_->far()->permits : nullptr) {
    const unsigned self = handle_->core().table.self().slot;
    const region& memory = handle_->core().memory;
    // Before the first operation: one that is noted must be completed.
    if (is_far(self) && !memory.commit(memory.offset_of(handle_->far()->permits[self - near_slots]), sizeof(word[2])))
        throw std::bad_alloc();
}

op_status plane_semaphore::try_acquire(std::uint32_t n) noexcept {
    if (handle_->stopped()) return op_status::stopped;
    if (n != 1) core_.want_several();
    const std::lock_guard hold(mutex_);
    return core_.try_acquire(n);
}

void plane_semaphore::give_back(std::uint32_t n) noexcept {
    if (!handle_->here()) return;
    {
        const std::lock_guard hold(mutex_);
        if (!core_.give_back(n)) return;
    }
    wake_waiters();
}

void plane_semaphore::forget(std::uint32_t n) noexcept {
    if (!handle_->here()) return;
    const std::lock_guard hold(mutex_);
    core_.forget(n);
}

bool plane_semaphore::release(std::uint32_t n) noexcept {
    if (!handle_->here()) return true;
    if (!core_.release(n)) return false;
    wake_waiters();
    return true;
}

// One ring is enough only if each waiter asks for one permit: otherwise the process that is rung may have to wait
// further, while another one could proceed.
void plane_semaphore::wake_waiters() noexcept {
    if (core_.wanted_several())
        wake_all(0);
    else
        wake(0);
}

void plane_semaphore::on_no_waiters(unsigned q) noexcept {
    if (core_.wanted_several() && ready(q)) handle_->ring_each(q);
}

}  // namespace cadre::detail::shm
