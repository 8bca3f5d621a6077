#include "shm/process_table.hpp"

#include <utility>

#include <sched.h>
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
    change(0, 0, identity_word(self_.generation, slot_state::live));
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

std::optional<process_id> process_table::claim() noexcept {
    for (unsigned slot = 0; slot != memory_.slots(); ++slot) {
        const std::uint64_t before = identity(slot);
        if (state_of(before) != slot_state::free) continue;
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

// The fetch_or is the ringer's full fence: it pairs with the exchange in set_loop. Either the loop that goes to sleep sees
// the pending bits in its last poll, or the ringer sees that the loop sleeps.
process_table::ring_result process_table::ring(unsigned slot, std::uint64_t ring_bits) noexcept {
    process_entry& e = memory_.process(slot);
    e.pending_bits.fetch_or(ring_bits);
    std::uint32_t s = e.loop.load();
    if (s == raw(loop_state::polling)) return ring_result::polling;
    if (s == raw(loop_state::asleep)) {
        if (e.loop.compare_exchange_strong(s, raw(loop_state::busy))) write_bell(doorbell(slot));
        return ring_result::woken;
    }
    if (slot != 0) return ring_result::deferred;
    // Waiters in the parent do not wait until its main loop has ended a work item: the supervisor retries them.
    half_word& supervisor_word = memory_.header().supervisor;
    std::uint32_t v = supervisor_word.load();
    if (v == raw(loop_state::asleep) && supervisor_word.compare_exchange_strong(v, raw(loop_state::busy)))
        write_bell(supervisor_doorbell());
    return ring_result::woken;
}

void process_table::ring_all() noexcept {
    for (unsigned slot = 0; slot != memory_.slots(); ++slot)
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
