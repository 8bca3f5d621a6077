#include "shm/state_plane.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/random_bytes.hpp"
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
        const bool rang = core_.table.ring_for_others();
        const std::uint64_t pending_bits = core_.table.take_pending_bits();
        if (pending_bits == 0) return rang;
        core_.retry_waiters(pending_bits);
        return true;
    }
    bool expects_soon() const noexcept override {
        if (core_.waiting.load(std::memory_order_relaxed) == 0) return false;
        const unsigned self = core_.table.self().slot;
        // There are no cores for more processes than these.
        const unsigned slots = std::min(core_.memory.slots(), near_slots);
        for (unsigned slot = 0; slot != slots; ++slot)
            if (slot != self && core_.table.state(slot) == slot_state::live &&
                core_.table.loop_of(slot) != loop_state::asleep && core_.table.on_other_cpu(slot))
                return true;
        return false;
    }
    void announce_polling() noexcept override { publish(loop_state::polling); }
    void announce_busy() noexcept override {
        // A ringer that has read `polling` relies on one more poll.
        if (publish(loop_state::busy)) poll();
    }
    void announce_sleep() noexcept override { publish(loop_state::asleep); }
    void announce_awake() noexcept override {
        publish(loop_state::busy);
        // A broken process may have cleared pending bits of this one: no waiter depends on them alone.
        if (core_.waiting.load(std::memory_order_relaxed) == 0 || !core_.owner.here()) return;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_retry_) return;
        next_retry_ = now + retry_interval;
        core_.retry_waiters(~std::uint64_t{0});
    }

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

    static constexpr std::chrono::milliseconds retry_interval{900};

    plane_core& core_;
    bool supervisor_;
    std::chrono::steady_clock::time_point next_retry_{};  // of the thread that drives the loop, or of the supervisor
    std::atomic<loop_state> last_{loop_state::busy};
};

struct state_plane::parts {
    parts(const region& memory, process_table& table, program_id program)
        : core(memory, table, program), source(core, false), supervisor_source(core, true) {}

    plane_core core;
    plane_source source;
    plane_source supervisor_source;
    std::mutex recovery_mutex;  // under it: recovery and doorbells; no waiter of this process is served
    std::mutex domains_mutex;  // a leaf: guards the members below
    std::vector<std::unique_ptr<plane_domain>> domains;  // created on request
    std::uint32_t opened = 1;
};

namespace {

constinit std::atomic<state_plane*> the_plane{nullptr};

program_id random_identity() {
    program_id id;
    fill_random(&id, sizeof id);
    return id;
}

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

state_plane::state_plane(region memory, process_id self, program_id program, std::vector<int> doorbells, bool owns)
    : memory_(std::move(memory)), table_(memory_, self, std::move(doorbells)), owns_descriptors_(owns) {
    parts_ = std::make_unique<parts>(memory_, table_, program);
}

state_plane::~state_plane() {
    parts_.reset();
    if (owns_descriptors_)
        for (const int fd : table_.doorbells())
            ::close(fd);
}

program_id state_plane::program_identity() const noexcept { return parts_->core.program; }

std::unique_ptr<state_plane> state_plane::make(const region_options& options) {
    region memory = region::create(options);
    bells made;
    for (unsigned i = 0; i != std::min(memory.slots(), near_slots) + 1; ++i) {
        const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0)
            throw std::system_error(errno, std::generic_category(), "creating the doorbell of a worker process");
        made.fds.push_back(fd);
    }
    memory.header().domains[0].store(static_cast<std::uint32_t>(domain_state::open));
    std::unique_ptr<state_plane> plane(
        new state_plane(std::move(memory), process_id{0, 1}, random_identity(), made.fds, true));
    made.fds.clear();
    return plane;
}

std::unique_ptr<state_plane> state_plane::join(const plane_invitation& from) {
    const std::size_t expected = 2 + std::min(from.shape.slots, near_slots) + (is_far(from.self.slot) ? 1 : 0);
    if (from.descriptors.size() != expected || from.self.slot >= from.shape.slots)
        throw std::system_error(EINVAL, std::generic_category(),
                                "receiving the descriptors of the shared memory of process executors");
    return std::unique_ptr<state_plane>(new state_plane(region::attach(from.descriptors[0], from.shape), from.self,
                                                        from.program,
                                                        {from.descriptors.begin() + 1, from.descriptors.end()}, false));
}

state_plane& state_plane::create(const region_options& options) {
    state_plane* plane = make(options).release();  // never destroyed: objects may outlive statics
    install(*plane);
    return *plane;
}

state_plane& state_plane::attach(const plane_invitation& from) {
    state_plane* plane = join(from).release();
    install(*plane);
    return *plane;
}

state_plane* state_plane::program() noexcept {
    state_plane* const plane = the_plane.load(std::memory_order_acquire);
    return plane != nullptr && plane->parts_->core.owner.here() ? plane : nullptr;
}

plane_invitation state_plane::invite(process_id id) const {
    plane_invitation i{{memory_.fd()}, id, program_identity(), memory_.shape()};
    i.descriptors.insert(i.descriptors.end(), table_.doorbells().begin(), table_.doorbells().end());
    if (is_far(id.slot)) i.descriptors.push_back(table_.doorbell(id.slot));
    return i;
}

std::optional<process_id> state_plane::claim_slot() {
    // A broken worker may have overwritten what the new one is going to read.
    {
        const std::lock_guard hold(parts_->domains_mutex);
        for (std::uint32_t id = 0; id != parts_->opened; ++id)
            memory_.header().domains[id].store(
                static_cast<std::uint32_t>(parts_->core.stopped(id) ? domain_state::stopped : domain_state::open));
    }
    return table_.claim();
}

void state_plane::recover(process_id dead) noexcept {
    const std::lock_guard hold(parts_->recovery_mutex);
    if (table_.occupant(dead.slot) != dead || table_.state(dead.slot) == slot_state::free) return;
    table_.mark_dead(dead);
    process_set waiting;
    shm::recover(parts_->core, dead, waiting);
    table_.release(dead);
    waiting.set(0);
    for (unsigned slot = 0; slot != table_.used_slots(); ++slot)
        if (waiting.test(slot) && table_.state(slot) == slot_state::live) table_.ring(slot, ~std::uint64_t{0});
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
    parts_->core.stop(domain);
    table_.ring_all();
}

}  // namespace cadre::detail::shm
