#include "node/local_call.hpp"

#include "node/node_backend.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace cadre::detail::node {

namespace {

constexpr std::size_t copied_bytes = 256;  // enough for the identity of a function argument

// Copies the first bytes and borrows the others.
void share_arguments(const portable_call& from, portable_call& to) {
    const std::span<const std::byte> own = from.arguments.span();
    const std::size_t until_borrowed = from.borrowed.empty() ? own.size() : from.borrowed.front().at;
    const std::size_t copied = std::min({own.size(), until_borrowed, copied_bytes});
    to.arguments.append(own.first(copied));
    std::size_t at = copied;
    for (const borrowed_run& run : from.borrowed) {
        to.borrowed.push_back({copied, own.subspan(at, run.at - at)});
        to.borrowed.push_back({copied, run.bytes});
        at = run.at;
    }
    if (at != own.size()) to.borrowed.push_back({copied, own.subspan(at)});
}

}  // namespace

local_call::local_call(node_backend& owner, call_number number, portable_call& original, int retries)
    : owner_(owner), number_(number), original_(original) {
    share_arguments(original, *this);
    entry = original.entry;
    items = original.items;
    raw = original.raw;
    returns_items = original.returns_items;
    options = original.options;
    options.retries = retries;
    id = original.id;
}

void local_call::complete(call_reply reply) noexcept {
    owner_.local_ended(number_, std::move(reply), worker_pid.load(std::memory_order_relaxed));
    delete this;
}

// As for calls of the link: the table counts the items, and the map runs them again.
void local_call::take_back(std::uint32_t from) noexcept { original_.take_back(from); }

void local_call::note_worker(pid_t pid) noexcept {
    worker_pid.store(pid, std::memory_order_relaxed);
    original_.note_worker(pid);
}

}  // namespace cadre::detail::node
