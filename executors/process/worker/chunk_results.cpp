#include "process/worker/chunk_results.hpp"

#include "process/worker/event_sender.hpp"

#include <array>
#include <cstring>
#include <new>
#include <utility>

namespace cadre::detail::process_worker {

using process_plane::chunk_progress;
using process_plane::event;
using process_plane::event_kind;

namespace {

void send_committed(event_sender& sender, std::uint64_t ticket, std::uint32_t done, std::span<const std::byte> results,
                    std::vector<unique_fd>&& descriptors = {}) noexcept {
    event e{};
    e.kind = event_kind::committed;
    e.id = ticket;
    e.items = done;
    sender.send_last(e, std::array{results}, event_sender::notice::now, std::move(descriptors));
}

}  // namespace

void chunk_results::commit(event_sender& sender, std::uint64_t ticket, std::uint32_t done,
                           std::span<const std::byte> results, std::vector<unique_fd>&& descriptors) noexcept {
    committed_bytes_ += results.size();
    if (!descriptors.empty()) {
        committed_descriptors_ += descriptors.size();
        flush(sender, ticket);  // the parent takes descriptors in the order of the results
        send_committed(sender, ticket, done, results, std::move(descriptors));
        done_ = done;
        return;
    }
    if (progress_ == nullptr && !open(sender, ticket)) {
        send_committed(sender, ticket, done, results);
        return;
    }
    if (used_ + results.size() > chunk_progress::room) {
        flush(sender, ticket);
        if (results.size() > chunk_progress::room) {
            send_committed(sender, ticket, done, results);
            done_ = done;
            return;
        }
    }
    if (!results.empty()) std::memcpy(progress_->data() + used_, results.data(), results.size());
    used_ += static_cast<std::uint32_t>(results.size());
    done_ = done;
    // Only this store commits: a death before it leaves the item undone, after it the item is done.
    progress_->word.store(chunk_progress::pack(done_, used_), std::memory_order_release);
}

bool chunk_results::open(event_sender& sender, std::uint64_t ticket) noexcept {
    block_ = sender.allocate_block(chunk_progress::capacity);
    if (block_.size == 0) return false;
    progress_ = new (sender.at(block_)) chunk_progress{};
    event e{};
    e.kind = event_kind::chunk_block;
    e.id = ticket;
    sender.send_block(e, block_);
    return true;
}

std::span<const std::byte> chunk_results::unsent() const noexcept {
    if (progress_ == nullptr) return {};
    return {progress_->data(), used_};
}

// The parent counts items, so a death between the two steps does not make it take the same results twice.
void chunk_results::flush(event_sender& sender, std::uint64_t ticket) noexcept {
    if (used_ == 0) return;
    send_committed(sender, ticket, done_, unsent());
    used_ = 0;
    progress_->word.store(chunk_progress::pack(done_, 0), std::memory_order_release);
}

void chunk_results::close(event_sender& sender) noexcept {
    if (progress_ == nullptr) return;
    sender.release_block(std::exchange(block_, {}));
    progress_ = nullptr;
    used_ = 0;
}

}  // namespace cadre::detail::process_worker
