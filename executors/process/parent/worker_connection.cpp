#include "process/parent/worker_connection.hpp"

#include <unistd.h>

namespace cadre::detail::process_parent {

using process_plane::call_memory;
using process_plane::event;
using process_plane::worker_state;

namespace {

std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

}  // namespace

worker_connection::worker_connection(std::uint32_t worker_index)
    : index(worker_index), serial(next_serial()), memory(call_memory::create()),
      area(memory.descriptor(), memory.base(), call_memory::parent_area, call_memory::area_size),
      requests(memory.parts().requests, memory.control().requests_consumed, area),
      replies(memory.parts().replies, memory.control().replies_consumed, area),
      orders(memory.parts().orders, memory.control().orders_consumed, area),
      events(memory.parts().events, memory.control().events_consumed) {}

// Pairs with the worker's announcement of its sleep: it says asleep, then looks at the rings once more. Either it sees
// what was published before the fence, or this sees that it sleeps.
void worker_connection::ring() noexcept {
    process_plane::full_fence();
    const std::uint64_t state = memory.control().state.load(std::memory_order_relaxed);
    if ((state & 3) != static_cast<std::uint64_t>(worker_state::asleep) || state == notified_state_) return;
    notified_state_ = state;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(bell, &one, sizeof one);
}

template <std::size_t Slots>
bool worker_connection::push(process_plane::event_writer<Slots>& ring, event& e,
                             std::span<const std::byte> body) noexcept {
    if (!ring.has_room()) return false;
    process_plane::block place;
    const std::array<std::span<const std::byte>, 1> parts{body};
    if (!process_plane::put_body(e, area, place, parts)) return false;
    ring.push(e, place);
    return true;
}

void worker_connection::reply(const event& e, std::span<const std::byte> body) {
    ring_wanted = true;
    event copy = e;
    if (waiting_replies_.empty() && push(replies, copy, body)) return;
    waiting w{e, {}};
    w.body.append(body);
    waiting_replies_.push_back(std::move(w));
}

void worker_connection::order(const event& e) {
    event copy = e;
    if (waiting_orders_.empty() && push(orders, copy, {})) {
        process_plane::ring_orders(memory.control());
        return;
    }
    waiting_orders_.push_back(e);
}

bool worker_connection::flush() noexcept {
    while (!waiting_replies_.empty() &&
           push(replies, waiting_replies_.front().e, waiting_replies_.front().body.span())) {
        waiting_replies_.pop_front();
        ring_wanted = true;
    }
    bool ordered = false;
    while (!waiting_orders_.empty() && push(orders, waiting_orders_.front(), {})) {
        waiting_orders_.pop_front();
        ordered = true;
    }
    if (ordered) process_plane::ring_orders(memory.control());
    return !waiting_replies_.empty() || !waiting_orders_.empty();
}

std::string worker_connection::title() const {
    return "worker " + std::to_string(index) + " (pid " + std::to_string(os.pid) + ")";
}

}  // namespace cadre::detail::process_parent
