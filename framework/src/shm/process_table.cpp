#include "shm/process_table.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace cadre::detail::shm {

namespace {

constexpr auto state_of(std::uint64_t identity) noexcept { return static_cast<slot_state>(identity & 0xff); }
constexpr auto generation_of(std::uint64_t identity) noexcept { return static_cast<std::uint32_t>(identity >> 32); }
constexpr auto raw(loop_state s) noexcept { return static_cast<std::uint32_t>(s); }

}  // namespace

process_table::process_table(const region& memory, process_id self, std::vector<int> doorbells)
    : memory_(memory), self_(self), doorbells_(std::move(doorbells)) {
    if (self_.slot != 0) return;
    identities_ = std::make_unique<std::atomic<std::uint64_t>[]>(memory_.slots());
    if (memory_.slots() > near_slots) {
        const unsigned far = memory_.slots() - near_slots;
        far_doorbells_ = std::make_unique<std::atomic<int>[]>(far);
        for (unsigned i = 0; i != far; ++i)
            far_doorbells_[i].store(-1, std::memory_order_relaxed);
    }
    change(0, 0, identity_word(self_.generation, slot_state::live));
}

process_table::~process_table() {
    if (far_doorbells_ == nullptr) return;
    for (unsigned slot = near_slots; slot < used_slots(); ++slot)
        if (const int fd = doorbell(slot); fd >= 0) ::close(fd);
}

std::uint64_t process_table::identity(unsigned slot) const noexcept {
    return identities_ != nullptr ? identities_[slot].load() : memory_.process(slot).identity.load();
}

bool process_table::change(unsigned slot, std::uint64_t from, std::uint64_t to) noexcept {
    const std::lock_guard hold(changing_);
    if (!identities_[slot].compare_exchange_strong(from, to)) return false;
    memory_.process(slot).identity.store(to);
    return true;
}

/// Under `changing_` no other thread makes the same doorbell.
void process_table::prepare_far(unsigned slot) {
    const std::lock_guard hold(changing_);
    if (doorbell(slot) >= 0) return;
    if (!memory_.commit(memory_.offset_of(&memory_.process(slot)), sizeof(process_entry))) throw std::bad_alloc();
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "creating the doorbell of a worker process");
    far_doorbells_[slot - near_slots].store(fd, std::memory_order_release);
}

std::optional<process_id> process_table::claim() {
    for (unsigned slot = 0; slot != memory_.slots(); ++slot) {
        const std::uint64_t before = identity(slot);
        if (state_of(before) != slot_state::free || slot == supervisor_slot) continue;
        if (is_far(slot)) prepare_far(slot);
        unsigned used = used_slots();
        while (used <= slot && !used_slots_.compare_exchange_weak(used, slot + 1)) {
        }
        const std::uint32_t generation = generation_of(before) + 1;
        if (!change(slot, before, identity_word(generation, slot_state::live))) continue;
        process_entry& e = memory_.process(slot);
        e.loop.store(raw(loop_state::busy));
        e.cpu.store(0, std::memory_order_relaxed);
        e.pending_bits.store(0);
        return process_id{slot, generation};
    }
    return std::nullopt;
}

void process_table::release(process_id p) noexcept {
    change(p.slot, identity_word(p.generation, slot_state::dead), identity_word(p.generation, slot_state::free));
}

void process_table::mark_dead(process_id p) noexcept {
    change(p.slot, identity_word(p.generation, slot_state::live), identity_word(p.generation, slot_state::dead));
}

slot_state process_table::state(unsigned slot) const noexcept { return state_of(identity(slot)); }

bool process_table::live(process_id p) const noexcept {
    return identity(p.slot) == identity_word(p.generation, slot_state::live);
}

process_id process_table::occupant(unsigned slot) const noexcept { return {slot, generation_of(identity(slot))}; }

// The fetch_or is the ringer's full fence: it pairs with the exchange in set_loop. Either the loop that goes to sleep
// sees the pending bits in its last poll, or the ringer sees that the loop sleeps.
process_table::ring_result process_table::ring(unsigned slot, std::uint64_t ring_bits) noexcept {
    process_entry& e = memory_.process(slot);
    e.pending_bits.fetch_or(ring_bits);
    std::uint32_t s = e.loop.load();
    if (s == raw(loop_state::polling)) return ring_result::polling;
    if (s == raw(loop_state::asleep)) {
        if (e.loop.compare_exchange_strong(s, raw(loop_state::busy))) wake(slot);
        return ring_result::woken;
    }
    if (slot != 0) return ring_result::deferred;
    // While the main loop of the parent runs a work item, the supervisor retries the parent's waiters.
    wake_supervisor();
    return ring_result::woken;
}

// The bits that this load reads are taken by an exchange that follows it in the order of all sequentially consistent
// operations, and so do the loads of the retries behind that exchange.
std::optional<process_table::ring_result> process_table::rung(unsigned slot, std::uint64_t ring_bits) const noexcept {
    const process_entry& e = memory_.process(slot);
    if ((e.pending_bits.load() & ring_bits) != ring_bits) return std::nullopt;
    const std::uint32_t s = e.loop.load();
    if (s == raw(loop_state::polling)) return ring_result::polling;
    // The supervisor polls for a busy parent, and may sleep.
    if (s == raw(loop_state::busy) && slot != 0) return ring_result::deferred;
    return std::nullopt;
}

void process_table::wake(unsigned slot) noexcept {
    if (const int fd = doorbell(slot); fd >= 0) return write_bell(fd);
    region_header& header = memory_.header();
    const unsigned far = slot - near_slots;
    header.wanted_bells[far / 64].fetch_or(std::uint64_t{1} << (far % 64));
    header.wanted_bell_groups.fetch_or(std::uint64_t{1} << (far / 64));
    wake_supervisor();
}

// The supervisor publishes that it sleeps, and polls once more: one of the two sees the other, as with `ring`.
void process_table::wake_supervisor() noexcept {
    half_word& supervisor_word = memory_.header().supervisor;
    std::uint32_t v = supervisor_word.load();
    if (v == raw(loop_state::asleep) && supervisor_word.compare_exchange_strong(v, raw(loop_state::busy)))
        write_bell(supervisor_doorbell());
}

bool process_table::ring_for_others() noexcept {
    region_header& header = memory_.header();
    if (far_doorbells_ == nullptr || header.wanted_bell_groups.load() == 0) return false;
    for (std::uint64_t groups = header.wanted_bell_groups.exchange(0); groups != 0; groups &= groups - 1) {
        const auto group = static_cast<unsigned>(std::countr_zero(groups));
        for (std::uint64_t bells = header.wanted_bells[group].exchange(0); bells != 0; bells &= bells - 1) {
            const unsigned slot = near_slots + group * 64 + static_cast<unsigned>(std::countr_zero(bells));
            if (slot >= memory_.slots()) continue;
            if (const int fd = doorbell(slot); fd >= 0) write_bell(fd);
        }
    }
    return true;
}

void process_table::ring_all() noexcept {
    for (unsigned slot = 0; slot != used_slots(); ++slot)
        if (state(slot) == slot_state::live) ring(slot, ~std::uint64_t{0});
}

std::uint64_t process_table::take_pending_bits() noexcept {
    word& pending_bits = memory_.process(self_.slot).pending_bits;
    return pending_bits.load() == 0 ? 0 : pending_bits.exchange(0);
}

void process_table::set_loop(loop_state s) noexcept { memory_.process(self_.slot).loop.exchange(raw(s)); }

void process_table::set_supervisor(loop_state s) noexcept { memory_.header().supervisor.exchange(raw(s)); }

loop_state process_table::loop_of(unsigned slot) const noexcept {
    const std::uint32_t s = memory_.process(slot).loop.load(std::memory_order_relaxed);
    return s <= raw(loop_state::asleep) ? static_cast<loop_state>(s) : loop_state::busy;
}

bool process_table::any_runs_elsewhere() const noexcept {
    // More processes than these have no cores to run on.
    for (unsigned slot = 0; slot != std::min(memory_.slots(), near_slots); ++slot)
        if (state(slot) == slot_state::live && runs_elsewhere({slot, 0})) return true;
    return false;
}

void process_table::publish_cpu() noexcept {
    half_word& cpu = memory_.process(self_.slot).cpu;
    const auto now = static_cast<std::uint32_t>(::sched_getcpu() + 1);
    if (cpu.load(std::memory_order_relaxed) != now) cpu.store(now, std::memory_order_relaxed);
}

bool process_table::on_other_cpu(unsigned slot) const noexcept {
    const std::uint32_t theirs = memory_.process(slot).cpu.load(std::memory_order_relaxed);
    return theirs != 0 && theirs != static_cast<std::uint32_t>(::sched_getcpu() + 1);
}

void process_table::write_bell(int fd) const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(fd, &one, sizeof one);
}

}  // namespace cadre::detail::shm
