#include "process/worker/home_requests.hpp"

#include "process/plane/nested_header.hpp"

#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include <unistd.h>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;

namespace {

// A thread that waits for an answer polls for it: without pause at first, then at intervals.
constexpr std::chrono::microseconds polls_without_pause{30};
constexpr std::chrono::microseconds poll_interval{50};

constexpr std::byte exhausted{static_cast<std::uint8_t>(op_status::exhausted)};

}  // namespace

void home_requests::send(std::span<const std::span<const std::byte>> request, receiver* to) noexcept {
    event e{};
    e.kind = event_kind::home_request;
    std::uint64_t size = 0;
    for (const auto& part : request)
        size += part.size();
    bool refused = size > sender_.max_nested_body();
    if (to != nullptr && !refused) {
        const std::lock_guard hold(mutex_);
        refused = receivers_.size() >= process_plane::max_nested_calls;
        if (!refused) {
            e.id = to->ticket = ++last_ticket_;
            receivers_.emplace(e.id, to);
        }
    }
    if (!refused)
        sender_.send(e, request, event_sender::notice::urgent);
    else if (to != nullptr)
        to->answered(std::span(&exhausted, 1));
}

void home_requests::stop(std::uint64_t ticket) noexcept {
    event e{};
    e.kind = event_kind::home_stop;
    e.id = ticket;
    sender_.send(e, {}, event_sender::notice::urgent);
}

void home_requests::handle_answer(const event& e, std::span<const std::byte> body) noexcept {
    receiver* to = nullptr;
    {
        const std::lock_guard hold(mutex_);
        const auto found = receivers_.find(e.id);
        if (found == receivers_.end()) return;
        to = found->second;
        receivers_.erase(found);
    }
    to->answered(body);
}

void home_requests::set_reader(std::function<void()> read_replies) {
    read_replies_ = std::move(read_replies);
    loop_thread_ = ::gettid();
}

void home_requests::wait(const std::atomic<bool>& done) noexcept {
    if (::gettid() != loop_thread_) return done.wait(false, std::memory_order_acquire);
    const auto pauses_from = std::chrono::steady_clock::now() + polls_without_pause;
    while (!done.load(std::memory_order_acquire)) {
        read_replies_();
        if (std::chrono::steady_clock::now() >= pauses_from) std::this_thread::sleep_for(poll_interval);
    }
}

}  // namespace cadre::detail::process_worker
