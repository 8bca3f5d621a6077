/// @file
/// A channel on the heap of one process: typed values, no encoding, and direct hand-over to waiters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/base/spin_mutex.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/bounded_spin.hpp>
#include <cadre/detail/state/channel_ring.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/object_registry.hpp>

namespace cadre::detail {

template <class T>
class local_channel;

/// A coroutine that waits to send (`source` is set) or to receive (`target` is set); or that watches one end (neither
/// is set).
template <class T>
struct channel_wait : waiter {
    local_channel<T>* channel = nullptr;
    T* source = nullptr;
    std::optional<T>* target = nullptr;
    op_status outcome = op_status::would_block;
    std::exception_ptr error{};  ///< thrown by moving the value into the channel

    static void cancel(waiter& w) noexcept {
        auto& self = static_cast<channel_wait&>(w);
        self.channel->cancel(self);
    }
};

/// Bounded queue. Senders wait only while the ring is full and receivers only while it is empty: a receiver that frees
/// a slot fills it from the first waiting sender, and a sender gives its value to the first waiting receiver. So no
/// operation overtakes a waiter, and values are received in the order in which they were accepted. Thread-safe.
///
/// A watcher is notified when a value or a slot may be there for it, and takes nothing; it may find none left.
///
/// Without waiters, sending takes only the lock of one end of the ring and receiving that of the other. The lists of
/// waiters, `closed_` and `stopped_` change only under both locks, so either lock is enough to read them.
template <class T>
class local_channel final : public registered_object, public std::enable_shared_from_this<local_channel<T>> {
    using wait = channel_wait<T>;

public:
    local_channel(std::shared_ptr<object_registry> registry, std::size_t capacity)
        : registered_object(std::move(registry)), ring_(capacity) {
        add_to_registry();
    }
    ~local_channel() { remove_from_registry(); }

    /// Moves from `value` if and only if the result is `done`. @throws what moving a `T` throws, std::bad_alloc
    [[nodiscard]] op_status try_send(T& value) {
        served_waiters served;
        op_status status;
        {
            const std::lock_guard in(ring_.in_mutex());
            if (receivers_.empty() && !closed_ && !stopped_) [[likely]] {
                if (ring_.has_room()) [[likely]] {
                    ring_.push(value);
                    return op_status::done;
                }
                if (ring_.is_grown()) return op_status::would_block;
            }
            const std::lock_guard out(ring_.out_mutex());
            status = send_locked(value, served);
        }
        served.finish();
        return status;
    }

    [[nodiscard]] op_status try_receive(std::optional<T>& into) {
        served_waiters served;
        op_status status;
        {
            std::unique_lock out(ring_.out_mutex());
            if (senders_.empty() && !stopped_) [[likely]] {
                if (!ring_.has_value()) return closed_ ? op_status::closed : op_status::would_block;
                take(into);
                return op_status::done;
            }
            std::unique_lock in(ring_.in_mutex(), std::try_to_lock);
            if (!in) {  // keep the lock order
                out.unlock();
                in.lock();
                out.lock();
            }
            status = receive_locked(into, served);
        }
        served.finish();
        return status;
    }

    /// Appends values without waiting until `into` has `max` or reaches its capacity.
    void receive_more(std::vector<T>& into, std::size_t max) {
        const auto wanted = [&] { return into.size() < std::min(max, into.capacity()); };
        {
            const std::lock_guard hold(ring_.out_mutex());
            for (; wanted() && !stopped_ && senders_.empty() && ring_.has_value(); ring_.pop())
                into.push_back(std::move(ring_.front()));
        }
        // The remaining values, refilling slots from waiting senders.
        for (std::optional<T> one; wanted() && try_receive(one) == op_status::done; one.reset())
            into.push_back(std::move(*one));
    }

    /// For an operation that would wait: spins, if the other end may pass many values meanwhile. A hand-over to a
    /// waiter is faster for a few. @return whether it is worth another try
    [[nodiscard]] bool spin_for_room() noexcept {
        return ring_.limit() >= min_spinning_capacity &&
               bounded_spin(ring_.in_spins(), [this] { return ring_.size() != ring_.limit(); });
    }
    [[nodiscard]] bool spin_for_value() noexcept {
        return ring_.limit() >= min_spinning_capacity &&
               bounded_spin(ring_.out_spins(), [this] { return ring_.size() != 0; });
    }

    /// Tries once more and, if that would block, queues `w`, which is prepared. @return true if it was queued
    [[nodiscard]] bool park(wait& w) noexcept {
        served_waiters served;
        {
            const both_ends hold(ring_);
            try {
                w.outcome = w.source != nullptr ? send_locked(*w.source, served) : receive_locked(*w.target, served);
            } catch (...) {
                w.error = std::current_exception();
                w.outcome = op_status::done;
            }
            if (w.outcome == op_status::would_block) {
                (w.source != nullptr ? senders_ : receivers_).push_back(w);
                return true;
            }
        }
        served.finish();
        return false;
    }

    /// Queues the watcher `w`, which is prepared, at the receiving or the sending end. @return false if an operation
    /// there would not block now
    [[nodiscard]] bool watch(wait& w, bool receiving) noexcept {
        const both_ends hold(ring_);
        if (stopped_ || closed_ || (receiving ? ring_.has_value() : ring_.size() != ring_.limit())) return false;
        (receiving ? receivers_ : senders_).push_back(w);
        return true;
    }
    /// @return false if `w` is not queued any more: it has been or is being finished
    [[nodiscard]] bool unwatch(wait& w, bool receiving) noexcept {
        const both_ends hold(ring_);
        wait_list& queue = receiving ? receivers_ : senders_;
        if (!queue.contains(w)) return false;
        queue.remove(w);
        return true;
    }

    void cancel(wait& w) noexcept {
        {
            const both_ends hold(ring_);
            wait_list& queue = w.source != nullptr ? senders_ : receivers_;
            if (!queue.contains(w)) return;
            queue.remove(w);
        }
        w.finish_cancelled();
    }

    void close() noexcept { end(closed_, op_status::closed); }
    void stop() noexcept override { end(stopped_, op_status::stopped); }

    [[nodiscard]] bool closed() const noexcept {
        const std::lock_guard hold(ring_.in_mutex());
        return closed_;
    }
    [[nodiscard]] bool stopped() const noexcept {
        const std::lock_guard hold(ring_.in_mutex());
        return stopped_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return ring_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.limit(); }

private:
    class both_ends {
    public:
        explicit both_ends(channel_ring<T>& ring) noexcept : in_(ring.in_mutex()), out_(ring.out_mutex()) {}

    private:
        std::lock_guard<spin_mutex> in_;
        std::lock_guard<spin_mutex> out_;
    };

    void take(std::optional<T>& into) {
        into.emplace(std::move(ring_.front()));
        ring_.pop();
    }

    [[nodiscard]] op_status send_locked(T& value, served_waiters& served) {
        if (stopped_) return op_status::stopped;
        if (closed_) return op_status::closed;
        while (waiter* const first = receivers_.front()) {
            auto& receiver = static_cast<wait&>(*first);
            const bool watches = receiver.target == nullptr;
            if (!watches) receiver.target->emplace(std::move(value));
            receiver.outcome = op_status::done;
            receivers_.pop_front();
            served.add(receiver);
            if (!watches) return op_status::done;
        }
        if (!ring_.make_room()) return op_status::would_block;
        ring_.push(value);
        return op_status::done;
    }

    [[nodiscard]] op_status receive_locked(std::optional<T>& into, served_waiters& served) {
        if (stopped_) return op_status::stopped;
        if (!ring_.has_value()) return closed_ ? op_status::closed : op_status::would_block;
        take(into);
        refill(served);
        return op_status::done;
    }

    // Fills the free slot from the first waiting sender whose value can be moved.
    void refill(served_waiters& served) noexcept {
        while (!senders_.empty() && ring_.has_room()) {
            auto& sender = static_cast<wait&>(*senders_.pop_front());
            sender.outcome = op_status::done;
            if (sender.source == nullptr) {  // watches
                served.add(sender);
                continue;
            }
            if constexpr (std::is_nothrow_move_constructible_v<T>) {
                ring_.push(*sender.source);
            } else {
                try {
                    ring_.push(*sender.source);
                } catch (...) {
                    sender.error = std::current_exception();
                }
            }
            served.add(sender);
        }
    }

    void end(bool& flag, op_status outcome) noexcept {
        served_waiters ended;
        {
            const both_ends hold(ring_);
            flag = true;
            for (wait_list* list : {&receivers_, &senders_}) {
                while (waiter* w = list->pop_front()) {
                    static_cast<wait*>(w)->outcome = outcome;
                    ended.add(*w);
                }
            }
        }
        ended.finish();
    }

    static constexpr std::size_t min_spinning_capacity = 8;

    channel_ring<T> ring_;
    wait_list receivers_;
    wait_list senders_;
    bool closed_ = false;
    bool stopped_ = false;
};

}  // namespace cadre::detail
