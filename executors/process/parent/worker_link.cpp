#include "process/parent/worker_link.hpp"

#include "base/doorbell.hpp"
#include "state/home_protocol.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::call_memory;
using process_plane::event;
using process_plane::event_kind;
using process_plane::worker_state;

namespace {

// The maximum number of descriptors that wait for a worker which does not read.
constexpr std::size_t max_waiting_descriptors = 1024;

// Answers about shared objects up to this size always wait: their number is limited.
constexpr std::size_t small_answer = 256;

constexpr std::chrono::seconds max_time_without_memory{1};

}  // namespace

worker_link::worker_link(std::uint64_t area_size)
    : memory_(call_memory::create(area_size)),
      area_(memory_.descriptor(), memory_.base(), call_memory::parent_area, area_size),
      requests_(memory_.parts().requests, control().requests_consumed, area_),
      replies_(memory_.parts().replies, control().replies_consumed, area_),
      commands_(memory_.parts().commands, control().commands_consumed, area_),
      events_(memory_.parts().events, control().events_consumed) {}

process_plane::block worker_link::store(std::span<const std::byte> bytes) {
    if (bytes.empty()) return {};
    const process_plane::block b = area_.allocate(bytes.size());
    if (b.size == 0) throw std::bad_alloc();
    std::memcpy(area_.at(b), bytes.data(), bytes.size());
    return {b.offset, bytes.size()};
}

std::optional<std::uint64_t> worker_link::publish(process_plane::request& q,
                                                  std::span<const std::span<const std::byte>> body,
                                                  const function_list& functions,
                                                  process_plane::block& external) noexcept {
    if (!process_plane::put_body(q, area_, external, body)) return std::nullopt;
    if (q.entry >= functions_known_)
        functions_known_ = functions.write_from(functions_known_, memory_.parts().functions);
    ++waiting_bound_;
    ring_requested_ = true;
    return requests_.publish(q);
}

bool worker_link::stalled() noexcept {
    const std::uint64_t before = std::exchange(passed_before_, requests_.passed());
    return before == passed_before_;
}

template <std::size_t Slots>
bool worker_link::push(process_plane::event_writer<Slots>& ring, event& e, std::span<const std::byte> body,
                       std::span<const unique_fd> descriptors) noexcept {
    if (!ring.has_room()) return false;
    process_plane::block external;
    std::array<std::span<const std::byte>, 1> parts{body};
    if (!process_plane::put_body(e, area_, external, parts)) return false;
    if (!descriptors.empty()) {
        const int error = descriptors_.send(descriptors);
        if (error == EAGAIN) {
            area_.release(external);
            return false;
        }
        if (error == 0)
            e.flags = static_cast<std::uint8_t>(e.flags | event::descriptors);
        else
            e.items = e.kind == event_kind::descriptors ? static_cast<std::uint32_t>(error) : e.items;
    }
    ring.push(e, external);
    return true;
}

void worker_link::reply(const event& e, std::span<const std::byte> body, std::span<const unique_fd> descriptors) {
    ring_requested_ = true;
    event copy = e;
    if (waiting_replies_.empty() && push(replies_, copy, body, descriptors)) return;
    waiting_reply w{.e = e};
    w.body.append(body);
    if (const int error = copy_for_later(descriptors, w.descriptors); error != 0 && e.kind == event_kind::descriptors)
        w.e.items = static_cast<std::uint32_t>(error);
    waiting_replies_.push_back(std::move(w));
    if (e.kind != event_kind::home_answer) return;
    ++waiting_answers_;
    waiting_answer_bytes_ += body.size();
}

bool worker_link::answer(std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    event e{};
    e.kind = event_kind::home_answer;
    e.id = ticket;
    const std::byte status = status_without_answer(body);
    const std::span<const std::byte> none(&status, 1);
    // What is in the ring is no part of this: it has the memory of the worker.
    const bool too_much =
        body.size() > small_answer && !waiting_replies_.empty() &&
        body.size() > max_waiting_answer_bytes - std::min(max_waiting_answer_bytes, waiting_answer_bytes_);
    if (too_much || body.size() > memory_.max_nested_body()) body = none;
    for (const std::span<const std::byte> each : {body, none})
        try {
            reply(e, each);
            return true;
        } catch (const std::bad_alloc&) {  // the next is shorter
        }
    return false;
}

// The descriptors are duplicated, because the caller may close its own before the worker has read earlier messages.
int worker_link::copy_for_later(std::span<const unique_fd> descriptors, std::vector<unique_fd>& copies) const {
    std::size_t waiting = descriptors.size();
    for (const waiting_reply& w : waiting_replies_)
        waiting += w.descriptors.size();
    if (waiting > max_waiting_descriptors) return EMFILE;
    try {
        for (const unique_fd& fd : descriptors)
            copies.push_back(process_os::duplicate(fd.get()));
    } catch (const std::system_error& e) {
        copies.clear();
        return e.code().value();
    }
    return 0;
}

void worker_link::send_command(const event& e) {
    event copy = e;
    if (waiting_commands_.empty() && push(commands_, copy, {})) {
        process_plane::ring_commands(control());
        return;
    }
    waiting_commands_.push_back(e);
}

// The first waiting reply, to a nested call or to a request for a shared object, finds no memory although the worker
// has read everything. The numbers of the two are independent.
void worker_link::fail_without_memory() noexcept {
    const auto now = std::chrono::steady_clock::now();
    waiting_reply& first = waiting_replies_.front();
    if (first.without_memory_since.time_since_epoch().count() == 0) first.without_memory_since = now;
    if (now - first.without_memory_since < max_time_without_memory) return;
    if (first.e.kind == event_kind::home_answer) {
        waiting_answer_bytes_ -= first.body.size() - 1;
        const std::byte status = status_without_answer(first.body.span());
        first.body = byte_buffer();
        first.body.append(std::span(&status, 1));
        return;
    }
    event e{};
    e.id = first.e.id;
    e.kind = event_kind::nested_exception;
    while (!waiting_replies_.empty() && waiting_replies_.front().e.id == e.id &&
           waiting_replies_.front().e.kind != event_kind::home_answer)  // its partial results, too
        waiting_replies_.pop_front();
    waiting_reply failed{.e = e};
    const std::uint16_t no_place = 0;
    failed.body.append(std::as_bytes(std::span(&no_place, 1)));
    encoder out(failed.body);
    encode_exception(out, std::make_exception_ptr(std::bad_alloc()));
    waiting_replies_.push_front(std::move(failed));
}

bool worker_link::flush() noexcept {
    while (!waiting_replies_.empty() && push(replies_, waiting_replies_.front().e, waiting_replies_.front().body.span(),
                                             waiting_replies_.front().descriptors)) {
        if (waiting_replies_.front().e.kind == event_kind::home_answer) {
            --waiting_answers_;
            waiting_answer_bytes_ -= waiting_replies_.front().body.size();
        }
        waiting_replies_.pop_front();
        ring_requested_ = true;
    }
    if (!waiting_replies_.empty() && replies_.has_room() && replies_.all_read()) fail_without_memory();
    bool ordered = false;
    while (!waiting_commands_.empty() && push(commands_, waiting_commands_.front(), {})) {
        waiting_commands_.pop_front();
        ordered = true;
    }
    if (ordered) process_plane::ring_commands(control());
    return !waiting_replies_.empty() || !waiting_commands_.empty();
}

// Pairs with worker_status::announce_sleep: the worker stores `asleep`, fences and polls the rings once more. Either it
// sees what was published before this fence, or this load sees that it sleeps.
void worker_link::ring() noexcept {
    ring_requested_ = false;
    process_plane::full_fence();
    const std::uint64_t state = control().state.load(std::memory_order_relaxed);
    if ((state & 3) != static_cast<std::uint64_t>(worker_state::asleep) || state == notified_state_) return;
    notified_state_ = state;
    doorbell::ring(doorbell_);
}

// Pairs with event_sender::push_waiting: the worker sets the word, fences and tries again.
void worker_link::notify_room() noexcept {
    process_plane::full_fence();
    auto& blocked = control().events_blocked;
    if (blocked.load(std::memory_order_relaxed) == 0) return;
    blocked.store(0, std::memory_order_relaxed);
    ring_requested_ = true;
}

}  // namespace cadre::detail::process_parent
