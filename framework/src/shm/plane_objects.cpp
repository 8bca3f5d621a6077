#include "shm/plane_objects.hpp"

#include <cstring>

#include <cadre/errors.hpp>

namespace cadre::detail::shm {

plane_channel::plane_channel(std::shared_ptr<object_handle> side) noexcept
    : plane_object(std::move(side)),
      core_(side_->core().memory, side_->data().data, side_->data().parameter, side_->core().table.self()) {}

op_status plane_channel::try_send(std::span<const std::byte> message, bool carries) noexcept {
    if (side_->stopped()) return op_status::stopped;
    const op_status a = carries ? place_carrier(message) : place(message, false);
    if (a == op_status::done) wake(receivers);
    return a;
}

op_status plane_channel::place(std::span<const std::byte> message, bool carries) noexcept {
    if (message.size() <= channel_cell::room) return core_.send(message, carries);
    const op_status possible = core_.may_send();
    if (possible != op_status::done) return possible;  // before anything is copied
    plane_core& plane = side_->core();
    const block_place b = plane.space.allocate(message.size()).block;
    if (b.offset == 0) return op_status::exhausted;
    std::memcpy(plane.memory.at<std::byte>(b.data()), message.data(), message.size());
    length_of(plane.memory, b.offset).store(message.size(), std::memory_order_relaxed);
    const op_status a = core_.send_block(b.offset, carries);
    if (a != op_status::done) arena::release(plane.memory, b.offset, held_by(plane.table.self()));
    return a;
}

op_status plane_channel::place_carrier(std::span<const std::byte> message) noexcept {
    const op_status possible = core_.may_send();
    if (possible != op_status::done) return possible;
    handle_names names;
    try {
        static_cast<void>(read_names(message, names));
    } catch (...) {
        return op_status::exhausted;
    }
    object_table& objects = side_->core().objects;
    for (const handle_name n : names)
        objects.queue(named(n));
    const op_status a = place(message, true);
    if (a != op_status::done)
        for (const handle_name n : names)
            objects.unqueue(named(n));
    return a;
}

op_status plane_channel::try_receive(byte_buffer& into, held_objects* held) noexcept {
    if (side_->stopped()) return op_status::stopped;
    unsigned skipped = 0;
    handle_names names;
    held_objects for_now;
    held_objects& kept = held != nullptr ? *held : for_now;
    const op_status a = core_.receive(into, skipped, [&] { keep(into, names, kept); });
    if (a == op_status::done)
        for (const handle_name n : names)
            side_->core().objects.unqueue(named(n));
    const bool taken = a == op_status::done || a == op_status::broken;  // a message that makes no sense is thrown away
    if (taken || skipped != 0) wake(senders);
    if (a == op_status::exhausted) wake(receivers);  // it is still there
    // The last ones wait until no other receiver can die in the middle of taking: this may have been it. (If it is just being
    // closed, who closes it rings them.)
    if (taken && core_.closing()) wake_all(receivers);
    return a;
}

/// The message is not consumed yet, so its handles are still good. `names` gets those that are.
void plane_channel::keep(byte_buffer& message, handle_names& names, held_objects& held) {
    handle_names all;
    message.resize_uninitialized(message.size() - read_names(message.span(), all));
    names.reserve(all.size());
    held.reserve(all.size());
    for (const handle_name n : all) {
        const object_ref o = named(n);
        if (!side_->core().objects.plausible(o)) continue;
        try {
            held.push_back(find_object(side_->core(), o));
            names.push_back(n);
        } catch (const error&) {  // broken: decoding it will say so
        }
    }
}

void plane_channel::close() noexcept {
    core_.close();
    wake_all(receivers);
    wake_all(senders);
}

plane_lock::plane_lock(std::shared_ptr<object_handle> side) noexcept
    : plane_object(std::move(side)), core_(side_->entry().lock, side_->core().table.self()) {}

op_status plane_lock::try_lock(bool& owner_died) noexcept {
    if (side_->stopped()) return op_status::stopped;
    return core_.try_lock(owner_died);
}

void plane_lock::unlock() noexcept {
    if (side_->others_interested(0) && barged_.fetch_add(1, std::memory_order_relaxed) + 1 >= max_barging) {
        barged_.store(0, std::memory_order_relaxed);
        if (hand_over()) return;
    }
    if (core_.unlock()) wake(0);
}

bool plane_lock::hand_over() noexcept {
    const auto to = side_->next_waiting(0);
    if (!to || !core_.grant(*to)) return false;
    // It withdraws its interest before it looks for a grant to decline; we grant before we look for its interest. If it has just
    // begun to compute, the lock would be idle until that ends.
    process_table& table = side_->core().table;
    const bool takes = side_->interested(0, to->slot) && table.live(*to) &&
                       table.ring(to->slot, side_->ring_bit()) != process_table::notice::when_done;
    if (!takes && core_.decline(*to)) wake(0);
    return true;
}

plane_semaphore::plane_semaphore(std::shared_ptr<object_handle> side) noexcept
    : plane_object(std::move(side)),
      core_(side_->data().data, side_->core().memory.slots(), side_->core().table.self()) {}

op_status plane_semaphore::try_acquire() noexcept {
    if (side_->stopped()) return op_status::stopped;
    const std::lock_guard hold(mutex_);
    return core_.try_acquire();
}

void plane_semaphore::give_back(std::uint32_t n) noexcept {
    for (; n != 0; --n) {
        {
            const std::lock_guard hold(mutex_);
            if (!core_.give_back()) return;
        }
        wake(0);
    }
}

void plane_semaphore::release(std::uint32_t n) noexcept {
    core_.release(n);
    wake(0);
}

}  // namespace cadre::detail::shm
