#include "node/parts.hpp"

#include "node/wire.hpp"

#include <algorithm>
#include <atomic>

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
        part.reserve(bytes.size() + tail_size<part_fields>);
        part.append(bytes);
        append_fields(part, part_fields{number, whole.size(), at}, message_kind::part);
        link.publish(to, agent, std::move(part));
    }
}

std::optional<byte_buffer> part_collector::add(node_id from, std::span<const std::byte> part) {
    const auto fields = take_fields<part_fields>(part);
    const auto key = std::pair(from, fields.number);
    const auto found = incomplete_.find(key);
    const std::uint64_t before = found != incomplete_.end() ? found->second.size() : 0;
    if (part.empty() || fields.size > max_whole || fields.offset != before || part.size() > fields.size - before) {
        if (found != incomplete_.end()) incomplete_.erase(found);
        throw_malformed("a part of a message that does not follow those before it");
    }
    std::size_t count = 0;
    std::uint64_t bytes = part.size();
    for (auto each = incomplete_.lower_bound({from, 0}); each != incomplete_.end() && each->first.first == from;
         ++each) {
        ++count;
        bytes += each->second.size();
    }
    if ((found == incomplete_.end() && count >= max_incomplete) || bytes > max_incomplete_bytes) {
        if (found != incomplete_.end()) incomplete_.erase(found);
        throw_malformed("a part of one of too many messages");
    }
    byte_buffer& whole = incomplete_[key];
    whole.append(part);
    if (whole.size() != fields.size) return std::nullopt;
    std::optional<byte_buffer> complete(std::move(whole));
    incomplete_.erase(key);
    return complete;
}

void part_collector::forget(node_id from) noexcept {
    incomplete_.erase(incomplete_.lower_bound({from, 0}), incomplete_.upper_bound({from, ~std::uint64_t{0}}));
}

}  // namespace cadre::detail::node
