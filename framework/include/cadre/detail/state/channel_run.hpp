/// @file
/// Runs of small messages of one size through a channel between processes: a run is sent or received by one call, and
/// wakes others once.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <ranges>
#include <span>
#include <type_traits>
#include <vector>

#include <cadre/detail/codec/codec_core.hpp>
#include <cadre/detail/codec/portability_check.hpp>
#include <cadre/detail/state/channel_operations.hpp>

namespace cadre::detail {

/// The largest message that runs have, and how many messages one call passes on at most.
inline constexpr std::size_t max_run_message = 48;
inline constexpr std::size_t max_run_length = 32;

/// Whether the message of a `T` is its bytes, and small.
template <class T>
consteval bool is_sent_as_bytes() {
    if constexpr (portability_of<T>::reason != portability_reason::none)
        return false;  // such a channel is local
    else
        return plain<T> && sizeof(T) <= max_run_message;
}
template <class T>
inline constexpr bool sent_as_bytes = is_sent_as_bytes<T>();

template <class V>
inline constexpr bool is_iota_of_integers = false;
template <std::integral W, class Bound>
inline constexpr bool is_iota_of_integers<std::ranges::iota_view<W, Bound>> = true;

/// Whether elements of `V` may be read before the ones in front of them are sent: reading one neither computes nor
/// waits, and throws nothing.
template <class V, class T>
concept run_source =
    sent_as_bytes<T> && std::ranges::forward_range<V> && std::is_same_v<std::ranges::range_value_t<V>, T> &&
    (std::ranges::contiguous_range<V> || is_iota_of_integers<V>);

/// Sends elements from `at` on without waiting, and advances `at` past them.
template <class T, class Iterator, class Sentinel>
void send_run(shared_channel& channel, Iterator& at, const Sentinel& end) {
    if (channel.has_waiters(senders_queue)) return;  // they go first
    std::byte messages[max_run_length * sizeof(T)];
    std::size_t count = 0;
    for (Iterator i = at; count != max_run_length && i != end; ++i, ++count) {
        const T value = *i;
        std::memcpy(messages + count * sizeof(T), &value, sizeof(T));
    }
    for (std::size_t sent = channel.try_send_run(std::span(messages, count * sizeof(T)), sizeof(T)); sent != 0; --sent)
        ++at;
}

/// Receives values without waiting until `into` has `wanted`, which it has reserved.
template <class T>
void receive_run(shared_channel& channel, std::vector<T>& into, std::size_t wanted) {
    std::byte messages[max_run_length * sizeof(T)];
    while (into.size() < wanted && !channel.has_waiters(receivers_queue)) {
        const std::size_t room = std::min(wanted - into.size(), max_run_length);
        const std::size_t count = channel.try_receive_run(std::span(messages, room * sizeof(T)), sizeof(T));
        if (count == 0) return;
        for (std::size_t i = 0; i != count; ++i)
            into.push_back(from_bytes<T>(messages + i * sizeof(T)));
    }
}

}  // namespace cadre::detail
