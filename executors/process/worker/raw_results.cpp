#include "process/worker/raw_results.hpp"

#include <new>
#include <span>
#include <utility>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;
using process_plane::raw_progress;

bool raw_results::open(event_sender& sender, std::uint64_t ticket, std::uint32_t items,
                       std::uint32_t result_size) noexcept {
    block_ = sender.allocate_block(raw_progress::size_for(items, result_size));
    if (block_.size == 0) return false;
    progress_ = new (sender.at(block_)) raw_progress{};
    progress_->words.range.store(raw_chunk_words::pack(0, items), std::memory_order_relaxed);
    result_size_ = result_size;
    event e{};
    e.kind = event_kind::chunk_block;
    e.id = ticket;
    sender.send_block(e, block_);
    return true;
}

void raw_results::send(event_sender& sender, const event& e, event_sender::notice when) noexcept {
    const std::span<const std::byte> done(progress_->data(), std::size_t{e.items} * result_size_);
    progress_ = nullptr;
    sender.send_owned(e, std::exchange(block_, {}), done, when);
}

void raw_results::drop(event_sender& sender) noexcept {
    if (progress_ == nullptr) return;
    progress_ = nullptr;
    sender.release_block(std::exchange(block_, {}));
}

}  // namespace cadre::detail::process_worker
