#include "process/parent/read_progress.hpp"

#include "process/parent/worker_connection.hpp"
#include "process/plane/chunk_progress.hpp"
#include "process/plane/raw_progress.hpp"

#include <algorithm>
#include <atomic>
#include <span>

namespace cadre::detail::process_parent {

namespace {

// Appends the bytes of both parts except the first `known` ones.
void append_behind(byte_buffer& to, std::size_t known, std::span<const std::byte> first,
                   std::span<const std::byte> second) {
    to.append(first.subspan(std::min(known, first.size())));
    known -= std::min(known, first.size());
    to.append(second.subspan(std::min(known, second.size())));
}

}  // namespace

// The worker continues meanwhile. It does not change committed bytes before it has sent an event, so without an unread
// event before and after the copy the bytes are those of the items counted.
bool read_progress(const call_record& r, std::size_t known_results, std::size_t known_errors,
                   chunk_progress_report& report) {
    if (r.worker == nullptr || r.items == 1 || r.call->may_return_descriptors) return false;
    const auto& events = r.worker->link.events();
    if (events.ready()) return false;
    const process_plane::block at = r.chunk.progress;
    const std::byte* const base = r.worker->link.memory().base();
    report.items_done = r.chunk.items_done;
    std::span<const std::byte> rest;
    if (at.size != 0 && r.call->raw.enabled) {
        const auto& progress = *reinterpret_cast<const process_plane::raw_progress*>(base + at.offset);
        const std::uint32_t items = progress.words.done.load(std::memory_order_acquire);
        if (items > r.items) return false;
        report.items_done = std::max(items, report.items_done);
        rest = {progress.data(), std::size_t{report.items_done} * r.call->raw.result_size};
    } else if (at.size != 0) {
        using process_plane::chunk_progress;
        const auto& progress = *reinterpret_cast<const chunk_progress*>(base + at.offset);
        const std::uint64_t word = progress.word.load(std::memory_order_acquire);
        const std::uint32_t items = chunk_progress::items(word);
        if (items > r.items || chunk_progress::bytes(word) > chunk_progress::room) return false;
        if (items > report.items_done) {
            report.items_done = items;
            rest = {progress.data(), chunk_progress::bytes(word)};
        }
    }
    append_behind(report.results, known_results, r.chunk.results.span(), rest);
    append_behind(report.item_errors, known_errors, r.chunk.errors.span(), {});
    std::atomic_thread_fence(std::memory_order_acquire);
    return !events.ready();
}

}  // namespace cadre::detail::process_parent
