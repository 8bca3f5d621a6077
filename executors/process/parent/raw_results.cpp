#include "process/parent/raw_results.hpp"

#include "process/plane/raw_progress.hpp"

#include <algorithm>
#include <cstring>

namespace cadre::detail::process_parent {

using process_plane::event;
using process_plane::raw_progress;

protocol_violation note_raw_block(worker_connection& c, call_record& r, std::span<const std::byte> body) {
    const auto offset = static_cast<std::uint64_t>(body.data() - c.link.memory().base());
    if (r.items == 1 || r.chunk.progress.size != 0 || offset % alignof(raw_progress) != 0 ||
        body.size() < raw_progress::size_for(r.items, r.call->raw.result_size))
        return "sent a malformed block for the results of a chunk";
    r.chunk.progress = {offset, body.size()};
    r.chunk.range_before = 0;
    c.raw_chunk = &r;
    return std::nullopt;
}

protocol_violation note_failed_item(call_record& r, const event& e, std::span<const std::byte> body) {
    if (!r.call->raw.enabled || e.items <= r.chunk.items_done) return "reported a failed item that is none";
    if (r.chunk.errors.size() >= 2 * process_plane::max_chunk_results || body.size() > UINT32_MAX)
        return "reported more errors than a chunk holds";
    const std::uint32_t head[2] = {e.items - 1, static_cast<std::uint32_t>(body.size())};
    r.chunk.errors.append(std::as_bytes(std::span(head)));
    r.chunk.errors.append(body);
    r.chunk.items_done = e.items;
    return std::nullopt;
}

protocol_violation take_raw_results(const call_record& r, std::uint32_t items, std::span<const std::byte> body,
                                    byte_buffer& to) {
    const raw_chunk& raw = r.call->raw;
    if (body.size() != std::uint64_t{items} * raw.result_size) return "sent results of another size";
    if (body.empty()) return std::nullopt;
    if (raw.results != nullptr)
        std::memcpy(raw.results, body.data(), body.size());
    else
        to.append(body);
    return std::nullopt;
}

void take_committed_raw(const worker_connection& c, call_record& r) {
    if (r.chunk.progress.size == 0) return;
    const auto& progress = *reinterpret_cast<const raw_progress*>(c.link.memory().base() + r.chunk.progress.offset);
    const std::uint32_t items = progress.words.done.load(std::memory_order_acquire);
    if (items > r.items) return;
    r.chunk.items_done = std::max(items, r.chunk.items_done);
    const std::span<const std::byte> done(progress.data(), std::size_t{r.chunk.items_done} * r.call->raw.result_size);
    (void)take_raw_results(r, r.chunk.items_done, done, r.chunk.results);
}

}  // namespace cadre::detail::process_parent
