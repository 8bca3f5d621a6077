#include "process/parent/supervisor_election.hpp"

#include "base/doorbell.hpp"
#include "base/process_owner.hpp"
#include "shm/state_plane.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

namespace cadre::detail::process_parent {

namespace {

struct roster {
    const process_owner owner{};
    std::mutex mutex;  // under it: doorbells, which run nothing
    std::vector<const supervisor_election*> all;
    std::vector<int> bells;  // of `all`, in the same order

    static roster& instance() {
        static std::atomic<roster*> present{new roster};  // supervisors may outlive static destruction
        roster* one = present.load();
        if (!one->owner.here()) present.store(one = new roster);  // a fork, at its first executor
        return *one;
    }
};

}  // namespace

supervisor_election::supervisor_election(int bell) {
    roster& r = roster::instance();
    const std::lock_guard hold(r.mutex);
    r.all.push_back(this);
    r.bells.push_back(bell);
}

supervisor_election::~supervisor_election() {
    roster& r = roster::instance();
    const std::lock_guard hold(r.mutex);
    const auto at = std::find(r.all.begin(), r.all.end(), this) - r.all.begin();
    r.all.erase(r.all.begin() + at);
    r.bells.erase(r.bells.begin() + at);
    if (at == 0 && !r.bells.empty()) doorbell::ring(r.bells.front());
}

int supervisor_election::descriptor() const noexcept {
    return shm::state_plane::program()->processes().supervisor_doorbell();
}

bool supervisor_election::is_leader() const noexcept {
    roster& r = roster::instance();
    const std::lock_guard hold(r.mutex);
    return r.all.front() == this;
}

bool supervisor_election::before_sleep() noexcept {
    if (!is_leader()) return false;
    event_source& source = shm::state_plane::program()->supervisor_source();
    bool any = source.poll();
    source.announce_sleep();
    any |= source.poll();
    return any;
}

void supervisor_election::after_sleep() noexcept {
    if (is_leader()) shm::state_plane::program()->supervisor_source().announce_awake();
}

}  // namespace cadre::detail::process_parent
