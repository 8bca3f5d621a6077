// What the home keeps for each worker.

#include <algorithm>
#include <new>
#include <utility>

#include "state/home_operation.hpp"
#include "state/home_service.hpp"

namespace cadre::detail {

namespace {

constexpr std::size_t max_possessions = std::size_t{1} << 20;  // of one worker
constexpr std::uint64_t possession_bytes = 128;  // what its record takes, about

}  // namespace

void home_service::note_handle(home_client from, const std::shared_ptr<shared_object>& object, home_number number) {
    const std::lock_guard hold(mutex_);
    possession& p = possession_of(session_of(from), number);
    p.object = object;
    ++p.handles;
}

home_charge home_service::charge(home_client from, std::uint64_t bytes) {
    const std::lock_guard hold(mutex_);
    return {session_of(from).budget, bytes};
}

home_service::session& home_service::session_of(home_client from) {
    if (const auto found = sessions_.find(from); found != sessions_.end()) return found->second;
    std::size_t& count = sessions_of_nodes_[from.node];
    if (count >= limits_.workers_of_node) throw std::bad_alloc();
    session made{.budget = std::make_shared<home_budget>(limits_.bytes_of_worker, budget_)};
    session& added = sessions_.emplace(from, std::move(made)).first->second;
    ++count;
    return added;
}

home_service::session home_service::take_session(std::map<home_client, session>::iterator at) noexcept {
    const auto count = sessions_of_nodes_.find(at->first.node);
    if (--count->second == 0) sessions_of_nodes_.erase(count);
    session taken = std::move(at->second);
    sessions_.erase(at);
    return taken;
}

home_service::possession& home_service::possession_of(session& of, home_number number) {
    auto& all = of.possessions;
    if (const auto found = all.find(number); found != all.end()) return found->second;
    if (all.size() >= max_possessions) throw std::bad_alloc();
    home_charge taken(of.budget, possession_bytes);
    possession& p = all[number];
    p.charge = std::move(taken);
    return p;
}

bool home_service::is_waited_for(const operation& op) const noexcept {
    const auto s = sessions_.find(op.client);
    if (s == sessions_.end()) return false;
    const auto found = s->second.waits.find(op.ticket);
    return found != s->second.waits.end() && found->second.get() == &op;
}

home_service::possession* home_service::find_possession(home_client of, home_number number) noexcept {
    const auto s = sessions_.find(of);
    if (s == sessions_.end()) return nullptr;
    const auto found = s->second.possessions.find(number);
    return found != s->second.possessions.end() ? &found->second : nullptr;
}

void home_service::erase_if_empty(home_client of, home_number number) noexcept {
    if (const possession* const p = find_possession(of, number); p != nullptr && p->empty())
        sessions_.find(of)->second.possessions.erase(number);
}

void home_service::drop_ungranted(const operation& op) noexcept {
    if (op.received.empty()) return;
    const std::lock_guard hold(mutex_);
    for (const auto& [number, object] : op.received.front().carried)  // the message is another owner
        erase_if_empty(op.client, number);
}

std::optional<home_service::in_hand> home_service::take_in_hand(home_client from, std::uint64_t ticket) noexcept {
    const std::lock_guard hold(mutex_);
    const auto s = sessions_.find(from);
    if (s == sessions_.end()) return std::nullopt;
    const auto found = s->second.received.find(ticket);
    if (found == s->second.received.end()) return std::nullopt;
    std::optional<in_hand> taken(std::move(found->second));
    s->second.received.erase(found);
    return taken;
}

void home_service::ended(home_client worker) noexcept {
    clear_done();
    session of;
    {
        const std::lock_guard hold(mutex_);
        const auto found = sessions_.find(worker);
        if (found == sessions_.end()) return;
        of = take_session(found);
    }
    end(std::move(of));
}

void home_service::node_ended(std::uint32_t node) noexcept {
    for (;;) {
        session of;
        {
            const std::lock_guard hold(mutex_);
            const auto first = sessions_.lower_bound({node, 0});
            if (first == sessions_.end() || first->first.node != node) return;
            of = take_session(first);
        }
        end(std::move(of));
    }
}

// A wait that is being completed at this moment finds its session gone, and undoes itself.
void home_service::end(session of) noexcept {
    for (auto& [ticket, op] : of.waits)
        if (op->target->remove(*op)) {
            if (op->notified) static_cast<home_condition&>(*op->target).notify(1);  // another one
            op->self.reset();
        }
    // All messages go back in one step, because a receiver may wait: the first message that the worker received is the
    // first again.
    std::map<home_channel*, home_channel::messages> returned;
    try {
        for (auto& [ticket, received] : of.received) {
            if (received.channel == nullptr) continue;
            home_channel::messages& all = returned[received.channel.get()];
            all.splice(all.end(), received.message);
        }
    } catch (const std::bad_alloc&) {  // the others one by one
    }
    for (auto each = of.received.rbegin(); each != of.received.rend(); ++each)
        if (each->second.notified != nullptr || !each->second.message.empty()) give_back(std::move(each->second));
    for (auto& [channel, messages] : returned)
        channel->give_back(std::move(messages));
    for (auto& [number, p] : of.possessions) {
        if (p.lock_ticket != 0) release_dead_owner(*lock_of(p.object));
        for (; p.shares != 0; --p.shares)
            static_cast<home_shared_lock&>(*p.object).unlock_shared();
        if (p.permits != 0) static_cast<shared_semaphore&>(*p.object).give_back(static_cast<std::uint32_t>(p.permits));
    }
}

}  // namespace cadre::detail
