#include "shm/state_plane.hpp"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/crash_recovery.hpp"
#include "shm/plane_core.hpp"
#include "shm/plane_domain.hpp"

#include <cadre/errors.hpp>

namespace cadre::detail::shm {

/// Polls the pending bits of this process and publishes the state of its loop or supervisor.
class plane_source final : public event_source {
public:
    plane_source(plane_core& core, bool supervisor) noexcept : core_(core), supervisor_(supervisor) {}

    bool poll() noexcept override {
        if (!core_.owner.here()) return false;
        const std::uint64_t pending_bits = core_.table.take_pending_bits();
        if (pending_bits == 0) return false;
        core_.retry_waiters(pending_bits);
        return true;
    }
    bool expects_soon() const noexcept override {
        if (core_.waiting.load(std::memory_order_relaxed) == 0) return false;
        const unsigned self = core_.table.self().slot;
        for (unsigned slot = 0; slot != core_.memory.slots(); ++slot)
            if (slot != self && core_.table.state(slot) == slot_state::live &&
                core_.table.loop_of(slot) != loop_state::asleep && core_.table.on_other_cpu(slot))
                return true;
        return false;
    }
    void announce_polling() noexcept override { publish(loop_state::polling); }
    void announce_busy() noexcept override {
        // A ringer that saw `polling` relies on one more poll.
        if (publish(loop_state::busy)) poll();
    }
    void announce_sleep() noexcept override { publish(loop_state::asleep); }
    void announce_awake() noexcept override { publish(loop_state::busy); }

private:
    bool publish(loop_state s) noexcept {
        if (!core_.owner.here()) return false;
        // Other processes change the state of a sleeper only.
        if (s != loop_state::asleep && last_.exchange(s, std::memory_order_relaxed) == s) return false;
        last_.store(s, std::memory_order_relaxed);
        if (supervisor_) {
            core_.table.set_supervisor(s);
        } else {
            core_.table.set_loop(s);
            core_.table.publish_cpu();
        }
        return true;
    }

    plane_core& core_;
    bool supervisor_;
    std::atomic<loop_state> last_{loop_state::busy};
};

struct state_plane::parts {
    parts(const region& memory, process_table& table)
        : core(memory, table), source(core, false), supervisor_source(core, true) {}

    plane_core core;
    plane_source source;
    plane_source supervisor_source;
    std::mutex recovery_mutex;
    std::mutex domains_mutex;
    std::vector<std::unique_ptr<plane_domain>> domains;  // those that were requested
    std::uint32_t opened = 1;
};

namespace {

constinit std::atomic<state_plane*> the_plane{nullptr};

/// Closes the doorbells unless all were made.
struct bells {
    std::vector<int> fds;
    ~bells() {
        for (const int fd : fds)
            ::close(fd);
    }
};

void install(state_plane& plane) {
    set_loop_wake_descriptor(plane.processes().doorbell(plane.self().slot));
    add_event_source(plane.source());
    set_program_domain(&plane.domain());
    the_plane.store(&plane, std::memory_order_release);
}

}  // namespace

state_plane::state_plane(region memory, process_id self, std::vector<int> doorbells, bool owns)
    : memory_(std::move(memory)), table_(memory_, self, std::move(doorbells)), owns_descriptors_(owns) {
    parts_ = std::make_unique<parts>(memory_, table_);
}

state_plane::~state_plane() {
    parts_.reset();
    if (owns_descriptors_)
        for (const int fd : table_.doorbells())
            ::close(fd);
}

std::unique_ptr<state_plane> state_plane::make(const region_options& options) {
    region memory = region::create(options);
    bells made;
    for (unsigned i = 0; i != memory.slots() + 1; ++i) {
        const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) throw std::system_error(errno, std::generic_category(), "doorbells for worker processes");
        made.fds.push_back(fd);
    }
    memory.header().domains[0].store(static_cast<std::uint32_t>(domain_state::open));
    std::unique_ptr<state_plane> plane(new state_plane(std::move(memory), process_id{0, 1}, made.fds, true));
    made.fds.clear();
    return plane;
}

std::unique_ptr<state_plane> state_plane::join(const std::vector<int>& descriptors, process_id self) {
    const auto refuse = [] {
        throw std::system_error(EINVAL, std::generic_category(), "descriptors of the state plane");
    };
    if (descriptors.empty()) refuse();
    region memory = region::attach(descriptors[0]);
    if (descriptors.size() != memory.slots() + 2u || self.slot >= memory.slots()) refuse();
    return std::unique_ptr<state_plane>(
        new state_plane(std::move(memory), self, {descriptors.begin() + 1, descriptors.end()}, false));
}

state_plane& state_plane::create(const region_options& options) {
    state_plane* plane = make(options).release();  // never destroyed: objects may outlive statics
    install(*plane);
    return *plane;
}

state_plane& state_plane::attach(const std::vector<int>& descriptors, process_id self) {
    state_plane* plane = join(descriptors, self).release();
    install(*plane);
    return *plane;
}

state_plane* state_plane::program() noexcept {
    state_plane* const plane = the_plane.load(std::memory_order_acquire);
    return plane != nullptr && plane->parts_->core.owner.here() ? plane : nullptr;
}

std::vector<int> state_plane::descriptors() const {
    std::vector<int> all{memory_.fd()};
    all.insert(all.end(), table_.doorbells().begin(), table_.doorbells().end());
    return all;
}

void state_plane::recover(process_id dead) noexcept {
    const std::lock_guard hold(parts_->recovery_mutex);
    if (table_.occupant(dead.slot) != dead || table_.state(dead.slot) == slot_state::free) return;
    table_.mark_dead(dead);
    shm::recover(parts_->core, dead);
    table_.release(dead);
    // The recovery may have made any operation possible.
    table_.ring_all();
}

event_source& state_plane::source() noexcept { return parts_->source; }
event_source& state_plane::supervisor_source() noexcept { return parts_->supervisor_source; }

memory_domain& state_plane::open_domain() {
    std::uint32_t id = 0;
    {
        const std::lock_guard hold(parts_->domains_mutex);
        if (parts_->opened == max_domains)
            throw error("too many process executors: a program makes at most " + std::to_string(max_domains - 1) +
                        " in its lifetime");
        id = parts_->opened++;
    }
    memory_.header().domains[id].store(static_cast<std::uint32_t>(domain_state::open));
    return domain(id);
}

memory_domain& state_plane::domain(std::uint32_t id) {
    if (id >= max_domains) throw std::out_of_range("domain of the state plane");
    const std::lock_guard hold(parts_->domains_mutex);
    if (id >= parts_->domains.size()) parts_->domains.resize(id + 1);
    auto& d = parts_->domains[id];
    if (d == nullptr) d = std::make_unique<plane_domain>(parts_->core, id);
    return *d;
}

void state_plane::shut_down(std::uint32_t domain) noexcept {
    if (domain == 0 || domain >= max_domains) return;
    memory_.header().domains[domain].exchange(static_cast<std::uint32_t>(domain_state::stopped));
    table_.ring_all();
}

}  // namespace cadre::detail::shm
