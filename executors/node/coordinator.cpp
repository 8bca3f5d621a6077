// The coordinator thread of the program: completes calls that no place has received, supervises long calls, and leaves
// the run.

#include "node/node_backend.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace cadre::detail::node {

namespace {

constexpr std::chrono::milliseconds poll_period{20};
constexpr std::chrono::milliseconds short_poll_period{2};  // while the local pool has used all its credit
// An agent kills a call after `kill_grace`. If its reply does not arrive within this time after that, the call counts
// as lost.
constexpr std::chrono::seconds silence_limit{10};

}  // namespace

// A single call does not wake the coordinator.
bool node_backend::needs_polling() noexcept {
    const place& local = placement_.local();
    return any_forced_ || local.calls > 2 * local.workers || (local.calls != 0 && !local.has_room());
}

void node_backend::coordinate() noexcept {
    std::unique_lock hold(mutex_);
    while (!coordinator_ends_) {
        if (to_do_.empty() && deferred_.ended.empty()) {
            coordinator_polls_ = needs_polling();
            if (!coordinator_polls_)
                wake_coordinator_.wait(hold);
            else
                wake_coordinator_.wait_for(hold, placement_.local().has_room() ? poll_period : short_poll_period);
            coordinator_polls_ = true;
        }
        actions later = std::exchange(deferred_, {});
        supervise_calls(later);
        const auto to_do = std::exchange(to_do_, {});
        hold.unlock();
        perform(std::move(later));
        for (const auto& what : to_do)
            what();
        hold.lock();
    }
}

void node_backend::supervise_calls(actions& later) {
    place& local = placement_.local();
    if (local.calls != 0 && local_credit_.adapt(local.calls, load_of(local_).queued))
        local.credit = local_credit_.credit();
    if (any_forced_) {
        any_forced_ = false;
        const auto now = clock::now();
        for (const call_number number : placement_.numbers()) {
            placed_call& c = *placement_.find(number);
            if (c.forced_at == clock::time_point{} || (c.at != nullptr && c.at->local)) continue;
            any_forced_ = true;
            if (now - c.forced_at > settings_.pool.kill_grace + silence_limit)
                lose(c, "its host does not respond to the request to kill it", later);
        }
    }
    dispatch(later);
}

}  // namespace cadre::detail::node
