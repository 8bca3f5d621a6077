#include "node/parts.hpp"

#include "node/wire.hpp"

#include <algorithm>
#include <atomic>
#include <new>

namespace cadre::detail::node {

namespace {

constexpr std::uint64_t max_whole = 2 * std::uint64_t{max_body};  // results and what was committed before
// The incomplete messages of one sender. Each of its threads sends one message at a time.
constexpr std::size_t max_incomplete = 1024;
constexpr std::uint64_t max_incomplete_bytes = 2 * max_whole;

struct part_fields {
    std::uint64_t number = 0;
    std::uint64_t size = 0;    // of the whole message
    std::uint64_t offset = 0;  // of this part
};

}  // namespace

void publish_in_parts(node_link& link, target to, node_id agent, byte_buffer message) {
    if (message.size() <= max_message) return link.publish(to, agent, std::move(message));
    static std::atomic<std::uint64_t> last_number{0};
    const std::uint64_t number = ++last_number;
    const std::span<const std::byte> whole = message.span();
    for (std::size_t at = 0; at < whole.size(); at += part_size) {
        const auto bytes = whole.subspan(at, std::min(part_size, whole.size() - at));
        byte_buffer part;
        try {
            part.reserve(bytes.size() + tail_size<part_fields>);
        } catch (const std::bad_alloc&) {
            // An empty part says that no other follows.
            append_fields(part, part_fields{number, whole.size(), at}, message_kind::part);
            if (at != 0) link.publish(to, agent, std::move(part));
            throw;
        }
        part.append(bytes);
        append_fields(part, part_fields{number, whole.size(), at}, message_kind::part);
        link.publish(to, agent, std::move(part));
    }
}

void part_collector::message::add(std::span<const std::byte> part) {
    if (received == 0) first = part.front();
    received += part.size();
    const auto end = part.last(std::min(part.size(), end_size));
    std::ranges::move(last.begin() + static_cast<std::ptrdiff_t>(end.size()), last.end(), last.begin());
    std::ranges::copy(end, last.end() - static_cast<std::ptrdiff_t>(end.size()));
    if (no_memory) return;
    try {
        bytes.append(part);
    } catch (const std::bad_alloc&) {
        no_memory = true;
        bytes = byte_buffer();
    }
}

collected_message part_collector::message::take() {
    if (!no_memory) return {.bytes = std::move(bytes)};
    collected_message remains{.incomplete = true};
    remains.bytes.append(std::span(&first, 1));
    remains.bytes.append(last);
    return remains;
}

std::optional<collected_message> part_collector::add(node_id from, std::span<const std::byte> part) {
    const auto fields = take_fields<part_fields>(part);
    const auto key = std::pair(from, fields.number);
    const auto found = incomplete_.find(key);
    const std::uint64_t before = found != incomplete_.end() ? found->second.received : 0;
    if (part.empty() && found != incomplete_.end() && fields.offset == before) {  // its sender has no memory
        incomplete_.erase(found);
        return std::nullopt;
    }
    if (part.empty() || fields.size > max_whole || fields.offset != before || part.size() > fields.size - before) {
        if (found != incomplete_.end()) incomplete_.erase(found);
        throw_malformed("a part of a message that does not follow those before it");
    }
    std::size_t count = 0;
    std::uint64_t bytes = part.size();
    for (auto each = incomplete_.lower_bound({from, 0}); each != incomplete_.end() && each->first.first == from;
         ++each) {
        ++count;
        bytes += each->second.bytes.size();
    }
    if ((found == incomplete_.end() && count >= max_incomplete) || bytes > max_incomplete_bytes) {
        if (found != incomplete_.end()) incomplete_.erase(found);
        throw_malformed("a part of one of too many messages");
    }
    message& whole = incomplete_[key];
    whole.add(part);
    if (whole.received != fields.size) return std::nullopt;
    message complete(std::move(whole));
    incomplete_.erase(key);
    return complete.take();
}

void part_collector::forget(node_id from) noexcept {
    incomplete_.erase(incomplete_.lower_bound({from, 0}), incomplete_.upper_bound({from, ~std::uint64_t{0}}));
}

}  // namespace cadre::detail::node
