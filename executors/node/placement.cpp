#include "node/placement.hpp"

#include "base/random_bytes.hpp"

#include <algorithm>
#include <utility>

namespace cadre::detail::node {

namespace {

// Random, so that messages for an earlier program match no call.
call_number first_number() {
    call_number number = 0;
    fill_random(&number, sizeof number);
    return number >> 2 | 1;
}

}  // namespace

placement::placement(bool shared_queue)
    : shared_queue_(shared_queue), local_{.local = true}, last_number_(first_number()) {}

void placement::set_agent(node_id agent, std::uint32_t workers, std::uint32_t credit) {
    place& p = agents_[agent];
    p.agent = agent;
    p.workers = workers;
    p.credit = credit;
    update_shared();
}

void placement::remove_agent(node_id agent) {
    const auto found = agents_.find(agent);
    if (found == agents_.end()) return;
    for (auto& [number, c] : calls_)
        if (c.at == &found->second) c.at = nullptr;
    agents_.erase(found);
    update_shared();
}

void placement::remove_agents() {
    for (auto& [number, c] : calls_)
        if (c.at != nullptr && !c.at->local && c.at != &shared_) c.at = nullptr;
    agents_.clear();
    update_shared();
}

// The shared queue holds a quarter more than the sum of the credit, so that an agent finds its next call there.
void placement::update_shared() noexcept {
    remote_workers_ = 0;
    std::uint64_t credit = 0;
    for (const auto& [id, p] : agents_) {
        remote_workers_ += p.workers;
        credit += p.credit;
    }
    shared_.workers = static_cast<std::uint32_t>(remote_workers_);
    shared_.credit =
        credit == 0 ? 0 : static_cast<std::uint32_t>(std::min<std::uint64_t>(credit + credit / 4 + 1, UINT32_MAX));
}

placed_call& placement::add(portable_call& call, int retries, bool first) {
    placed_call& c = calls_[++last_number_];
    c.number = last_number_;
    c.call = &call;
    c.items = call.items;
    c.retries = retries;
    call.backend_data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(c.number));
    enqueue(c, first);
    return c;
}

placed_call* placement::find(call_number number) noexcept {
    const auto found = calls_.find(number);
    return found != calls_.end() ? &found->second : nullptr;
}

void placement::enqueue(placed_call& c, bool first) noexcept {
    call_list& list = waiting_[c.call->options.priority];
    first ? list.push_front(c) : list.push_back(c);
    c.waits = true;
    ++waiting_count_;
    if (c.call->options.windowed) ++windowed_count_;
}

void placement::leave(placed_call& c) noexcept {
    if (std::exchange(c.waits, false)) {
        const auto list = waiting_.find(c.call->options.priority);
        list->second.remove(c);
        if (list->second.empty()) waiting_.erase(list);
        --waiting_count_;
        if (c.call->options.windowed) --windowed_count_;
    }
    if (c.at != nullptr) --std::exchange(c.at, nullptr)->calls;
}

place* placement::freest() noexcept {
    place* best = local_.has_room() ? &local_ : nullptr;
    const auto compare = [&best](place& p) {
        if (p.has_room() && (best == nullptr || p.is_freer_than(*best))) best = &p;
    };
    if (shared_queue_)
        compare(shared_);
    else
        for (auto& [id, p] : agents_)
            compare(p);
    return best;
}

placed_call* placement::place_next() noexcept {
    if (waiting_.empty()) return nullptr;
    place* const where = freest();
    if (where == nullptr) return nullptr;
    placed_call& c = *waiting_.begin()->second.front();
    leave(c);
    c.at = where;
    c.taken_by = where->agent;
    ++where->calls;
    return &c;
}

void placement::wait_again(placed_call& c) noexcept {
    leave(c);
    c.taken_by = 0;
    c.arguments_sent = 0;
    c.relay = nullptr;
    enqueue(c, true);
}

void placement::erase(placed_call& c) noexcept {
    leave(c);
    c.call->backend_data = nullptr;
    calls_.erase(c.number);
}

std::vector<call_number> placement::numbers() const {
    std::vector<call_number> all;
    all.reserve(calls_.size());
    for (const auto& [number, c] : calls_)
        all.push_back(number);
    std::ranges::sort(all);
    return all;
}

}  // namespace cadre::detail::node
