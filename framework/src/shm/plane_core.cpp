#include "shm/plane_core.hpp"

#include <bit>
#include <new>

#include <boost/container/small_vector.hpp>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail::shm {

plane_core::plane_core(const region& m, process_table& t, program_id p)
    : memory(m), table(t), program(p), space(m, t.self()), messages(m, space, t.self()), objects(m, t.self()),
      stopped_domains_(t.self().slot == 0 ? std::make_unique<std::atomic<bool>[]>(max_domains) : nullptr) {}

void plane_core::stop(std::uint32_t domain) noexcept {
    if (stopped_domains_ != nullptr) stopped_domains_[domain].store(true, std::memory_order_release);
    memory.header().domains[domain].exchange(static_cast<std::uint32_t>(domain_state::stopped));
}

void plane_core::forget(object_ref o, const object_handle* handle) noexcept {
    const std::lock_guard hold(known_mutex_);
    const auto found = known_.find(o);
    if (found != known_.end() && found->second.handle == handle) known_.erase(found);  // not if it was replaced
}

void plane_core::watch(unsigned ring_index, watched& w) noexcept {
    const std::lock_guard hold(watched_mutex_);
    watched_[ring_index].push_back(w);
}

void plane_core::unwatch(unsigned ring_index, watched& w) noexcept {
    const std::lock_guard hold(watched_mutex_);
    watched_[ring_index].remove(w);
}

void plane_core::retry_waiters(std::uint64_t ring_bits) noexcept {
    boost::container::small_vector<std::shared_ptr<shared_object>, 32> rung;
    {
        const std::lock_guard hold(watched_mutex_);
        try {
            for (; ring_bits != 0; ring_bits &= ring_bits - 1)
                for (const watched& w : watched_[std::countr_zero(ring_bits)])
                    if (auto object = w.object->lock()) rung.push_back(std::move(object));
        } catch (const std::bad_alloc&) {  // the next poll retries the rest
            memory.process(table.self().slot).pending_bits.fetch_or(ring_bits);
        }
    }
    for (const auto& object : rung)
        if (object->has_waiters(0) || object->has_waiters(1)) object->retry_waiters();
}

object_handle::object_handle(plane_core& core, object_ref o, bool fresh)
    : core_(core), ref_(o), entry_(core.objects.entry(o)), far_(core.memory.far(o.slot, o.index)),
      next_slot_(core.table.self().slot + 1) {
    if (!fresh && !core_.objects.acquire(o))
        throw not_portable("the handle refers to a shared object that no longer exists");
    const auto data = core_.objects.data_of(o);
    if (!data) {
        core_.objects.release(o);
        throw not_portable("the handle refers to a shared object that is damaged");
    }
    data_ = *data;
}

object_handle::~object_handle() {
    if (!here()) return;  // the reference is that of the parent
    core_.forget(ref_, this);
    core_.objects.release(ref_);
}

void object_handle::encode(encoder& out, const std::weak_ptr<shared_object>& self) const {
    const bool owned = out.context() == nullptr || out.context()->bytes_own_objects;
    out.write_byte(static_cast<std::uint8_t>(static_cast<unsigned>(ref_.kind) | (owned ? 0x80u : 0u)));
    out.write(&core_.program, sizeof core_.program);
    out.write_size(ref_.slot);
    out.write_size(ref_.index);
    out.write_size(ref_.incarnation);
    if (owned && here()) core_.objects.begin_transit(ref_);
    if (owned) return;
    if (void* const names = out.context()->user) static_cast<handle_names*>(names)->push_back(name_of(ref_));
    out.context()->keep_alive.push_back(self.lock());
}

void object_handle::interest(unsigned q, bool on) noexcept {
    if (!here()) return;
    const unsigned slot = core_.table.self().slot;
    if (on) {
        core_.waiting.fetch_add(1, std::memory_order_relaxed);
        waiting(q).insert(slot);
    } else {
        core_.waiting.fetch_sub(1, std::memory_order_relaxed);
        waiting(q).erase(slot);
    }
}

bool object_handle::interested(unsigned q, unsigned slot) const noexcept { return waiting(q).contains(slot); }

bool object_handle::interested(unsigned q) const noexcept { return interested(q, core_.table.self().slot); }

bool object_handle::others_interested(unsigned q) const noexcept { return waiting(q).any_but(core_.table.self().slot); }

template <class F>
void object_handle::for_each_other(unsigned q, F f) noexcept {
    if (!here()) return;
    const unsigned self = core_.table.self().slot;
    const unsigned slots = core_.memory.slots();
    const unsigned first = next_slot_.load(std::memory_order_relaxed) % slots;
    const auto other = [&](unsigned slot) { return slot == self || f(slot); };
    if (waiting(q).for_each(first, slots, other)) waiting(q).for_each(0, first, other);
}

void object_handle::ring_one(unsigned q) noexcept {
    for_each_other(q, [&](unsigned slot) {
        if (core_.table.ring(slot, ring_bit()) == process_table::ring_result::deferred) return true;
        next_slot_.store(slot + 1, std::memory_order_relaxed);
        return false;
    });
}

bool object_handle::needs_ring(unsigned q) noexcept {
    bool needed = false;
    for_each_other(q, [&](unsigned slot) {
        const auto already = core_.table.rung(slot, ring_bit());
        needed = !already;
        return already == process_table::ring_result::deferred;
    });
    return needed;
}

void object_handle::ring_each(unsigned q) noexcept {
    for_each_other(q, [&](unsigned slot) {
        core_.table.ring(slot, ring_bit());
        return true;
    });
}

void object_handle::visit_waiting(unsigned q, bool (*f)(void* context, unsigned slot), void* context) noexcept {
    for_each_other(q, [&](unsigned slot) { return f(context, slot); });
}

std::optional<process_id> object_handle::next_waiting(unsigned q) noexcept {
    std::optional<process_id> found;
    for_each_other(q, [&](unsigned slot) {
        if (slot != 0 && core_.table.loop_of(slot) == loop_state::busy) return true;
        found = core_.table.occupant(slot);
        next_slot_.store(slot + 1, std::memory_order_relaxed);
        return false;
    });
    return found;
}

}  // namespace cadre::detail::shm
