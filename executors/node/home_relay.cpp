#include "node/home_relay.hpp"

#include "node/message.hpp"
#include "node/parts.hpp"

#include <new>

namespace cadre::detail::node {

void home_relay::answer_unperformed(std::uint64_t worker, std::uint64_t ticket, op_status outcome) noexcept {
    port_.answer(worker, ticket, std::as_bytes(std::span(&outcome, 1)));
}

void home_relay::request(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    op_status outcome = op_status::stopped;
    {
        const std::lock_guard hold(mutex_);
        if (!closed_) {
            try {
                byte_buffer message = encode_home(message_kind::home_request, {worker, ticket}, body);
                if (ticket != 0) pending_.emplace(worker, ticket);
                return publish_in_parts(link_, target::program, 0, std::move(message));
            } catch (const std::bad_alloc&) {
                pending_.erase({worker, ticket});
                outcome = op_status::exhausted;
            }
        }
    }
    if (ticket != 0) return answer_unperformed(worker, ticket, outcome);
    // An unlock, for instance: others would wait for it without end.
    if (outcome == op_status::exhausted) port_.abandon(worker);
}

void home_relay::stop(std::uint64_t worker, std::uint64_t ticket) noexcept {
    const std::lock_guard hold(mutex_);
    if (!closed_) link_.publish(target::program, 0, encode_note(message_kind::home_stop, {worker, ticket}));
}

void home_relay::ended(std::uint64_t worker) noexcept {
    const std::lock_guard hold(mutex_);
    pending_.erase(pending_.lower_bound({worker, 0}), pending_.upper_bound({worker, ~std::uint64_t{0}}));
    if (!closed_) link_.publish(target::program, 0, encode_note(message_kind::home_ended, {worker, 0}));
}

void home_relay::answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (pending_.erase({worker, ticket}) == 0) return;
    }
    port_.answer(worker, ticket, body);
}

void home_relay::close() noexcept {
    std::set<std::pair<std::uint64_t, std::uint64_t>> asked;
    {
        const std::lock_guard hold(mutex_);
        closed_ = true;
        asked.swap(pending_);
    }
    for (const auto& [worker, ticket] : asked)
        answer_unperformed(worker, ticket, op_status::stopped);
}

}  // namespace cadre::detail::node
