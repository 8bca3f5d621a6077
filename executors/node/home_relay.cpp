#include "node/home_relay.hpp"

#include "node/message.hpp"
#include "node/parts.hpp"

#include <cadre/detail/state/memory_domain.hpp>

#include <cstddef>

namespace cadre::detail::node {

void home_relay::answer_stopped(std::uint64_t worker, std::uint64_t ticket) noexcept {
    constexpr std::byte stopped{static_cast<std::uint8_t>(op_status::stopped)};
    port_.answer(worker, ticket, std::span(&stopped, 1));
}

void home_relay::request(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (!closed_) {
            if (ticket != 0) asked_.emplace(worker, ticket);
            publish_in_parts(link_, target::program, 0,
                             encode_home(message_kind::home_request, {worker, ticket}, body));
            return;
        }
    }
    if (ticket != 0) answer_stopped(worker, ticket);
}

void home_relay::stop(std::uint64_t worker, std::uint64_t ticket) noexcept {
    const std::lock_guard hold(mutex_);
    if (!closed_) link_.publish(target::program, 0, encode_note(message_kind::home_stop, {worker, ticket}));
}

void home_relay::ended(std::uint64_t worker) noexcept {
    const std::lock_guard hold(mutex_);
    asked_.erase(asked_.lower_bound({worker, 0}), asked_.upper_bound({worker, ~std::uint64_t{0}}));
    if (!closed_) link_.publish(target::program, 0, encode_note(message_kind::home_ended, {worker, 0}));
}

void home_relay::answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (asked_.erase({worker, ticket}) == 0) return;
    }
    port_.answer(worker, ticket, body);
}

void home_relay::close() noexcept {
    std::set<std::pair<std::uint64_t, std::uint64_t>> asked;
    {
        const std::lock_guard hold(mutex_);
        closed_ = true;
        asked.swap(asked_);
    }
    for (const auto& [worker, ticket] : asked)
        answer_stopped(worker, ticket);
}

}  // namespace cadre::detail::node
