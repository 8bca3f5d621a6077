/// @file
/// Which shared objects there are, and which processes use them. An object is freed when no process and no message has it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <cadre/detail/state/channel_message.hpp>

#include "shm/arena.hpp"

namespace cadre::detail::shm {

/// Names an object for ever: an entry is used again only under another incarnation.
struct object_ref {
    std::uint32_t slot = 0;
    std::uint32_t index = 0;
    std::uint32_t incarnation = 0;
    object_kind kind = object_kind::none;

    friend auto operator<=>(const object_ref&, const object_ref&) = default;
    /// Which bit of a rung word stands for it (and for some others).
    [[nodiscard]] constexpr unsigned ring_index() const noexcept { return (index + slot * 7) % 64; }
};

/// incarnation << 32 | arrivals << 16 | slot of who frees it << 8 | kind << 4 | phase
struct object_word {
    std::uint64_t raw;
    static constexpr std::uint64_t arrivals_mask = 0xffff'0000;

    static constexpr object_word make(std::uint32_t incarnation, object_kind k, object_phase p,
                                      unsigned slot = 0) noexcept {
        return {(std::uint64_t{incarnation} << 32) | (std::uint64_t{slot} << 8) | (static_cast<std::uint64_t>(k) << 4) |
                static_cast<std::uint64_t>(p)};
    }
    [[nodiscard]] constexpr std::uint32_t incarnation() const noexcept { return static_cast<std::uint32_t>(raw >> 32); }
    [[nodiscard]] constexpr object_kind kind() const noexcept { return static_cast<object_kind>((raw >> 4) & 0xf); }
    [[nodiscard]] constexpr unsigned slot() const noexcept { return static_cast<unsigned>(raw >> 8) & 0xffu; }
    [[nodiscard]] constexpr object_phase phase() const noexcept { return static_cast<object_phase>(raw & 0xf); }
    /// The same, after another process has come to use the object: whoever was about to free it finds another word.
    [[nodiscard]] constexpr object_word arrived() const noexcept {
        return {(raw & ~arrivals_mask) | ((raw + 0x1'0000) & arrivals_mask)};
    }
    [[nodiscard]] constexpr bool is(object_word other) const noexcept {
        return ((raw ^ other.raw) & ~arrivals_mask) == 0;
    }
};

/// What the holder word of an object's block says while the object exists.
[[nodiscard]] constexpr holder_word held_by_object(object_ref o) noexcept {
    return (std::uint64_t{o.incarnation} << 32) | (std::uint64_t{o.index} << 16) | (std::uint64_t{o.slot} << 8) | 2u;
}

[[nodiscard]] constexpr handle_name name_of(object_ref o) noexcept {
    return {(o.slot << 8) | static_cast<std::uint32_t>(o.kind), o.index, o.incarnation};
}
/// Anything may come out: it is to be checked.
[[nodiscard]] constexpr object_ref named(handle_name n) noexcept {
    return {n.slot_and_kind >> 8, n.index, n.incarnation, static_cast<object_kind>(n.slot_and_kind & 0xff)};
}

/// Where an object's data is, checked: `bytes` of it lie inside its block.
struct object_data {
    std::byte* data = nullptr;
    std::uint64_t size = 0;
    std::uint64_t parameter = 0;
    std::uint32_t domain = 0;
};

class object_table {
public:
    object_table(const region& memory, process_id self);

    struct wanted {
        object_kind kind;
        std::uint64_t size = 0;
        std::uint64_t alignment = 1;
        std::uint64_t parameter = 0;
        std::uint32_t domain = 0;
    };
    /// Makes an object in this process's arena; `initialise(data)` gets its zeroed data. This process is present.
    /// @throws std::bad_alloc
    template <class Initialise>
    [[nodiscard]] object_ref create(arena& from, const wanted& w, Initialise initialise) {
        const object_ref o = take_entry(w);
        initialise(prepare(from, o, w));
        publish(o);
        return o;
    }

    /// This process uses the object from now on; once more, if it does already. @return false if it is no more
    /// @throws std::bad_alloc
    [[nodiscard]] bool enter(object_ref o);
    /// One user of this process less. Harmless if there is none.
    void leave(object_ref o) noexcept;
    /// The result of a call with a handle of the object is on its way; has arrived (after `enter`).
    void send(object_ref o) noexcept;
    void arrive(object_ref o) noexcept;
    /// A message with a handle of the object is about to be queued; was taken out (after `enter`), or not queued.
    void queue(object_ref o) noexcept;
    void unqueue(object_ref o) noexcept;

    /// Empty if what the entry says cannot be.
    [[nodiscard]] std::optional<object_data> data_of(object_ref o) const noexcept;
    [[nodiscard]] object_entry& entry(object_ref o) const noexcept { return memory_.object(o.slot, o.index); }
    /// Whether there can be such an object: its numbers are in range.
    [[nodiscard]] bool plausible(object_ref o) const noexcept;

    /// Supervisor: ends what the dead process had to do with this object.
    void bury(object_ref o, process_id dead) noexcept;
    /// Supervisor: what nobody uses although messages are said to carry it. A message that was just being queued, read or thrown
    /// away when its process died was counted and is not there. Empty if it is used, or does not exist.
    struct carried {
        object_ref object;
        std::uint64_t queued;
        std::uint64_t changes;
    };
    [[nodiscard]] std::optional<carried> only_carried(object_ref o) const noexcept;
    /// No message carries it: unless something has changed since, it goes.
    void not_carried(const carried& c) noexcept;
    /// Calls `f(object_ref, object_phase)` for every object that is not free.
    template <class F>
    void for_each(F f) const {
        for (unsigned slot = 0; slot != memory_.slots(); ++slot) {
            std::uint64_t used = memory_.arena(slot).objects_used.load(std::memory_order_acquire);
            if (used > memory_.layout().objects) used = memory_.layout().objects;
            for (std::uint32_t i = 0; i < used; ++i) {
                const object_word w{memory_.object(slot, i).state.load()};
                if (w.phase() != object_phase::free) f(object_ref{slot, i, w.incarnation(), w.kind()}, w.phase());
            }
        }
    }

private:
    [[nodiscard]] object_ref take_entry(const wanted& w);
    [[nodiscard]] std::byte* prepare(arena& from, object_ref o, const wanted& w);
    void publish(object_ref o) noexcept;
    void give_up_entry(object_ref o) noexcept;
    void forget_entry(object_ref o) noexcept;
    void increment(object_ref o, word object_entry::* handles) noexcept;
    void decrement(object_ref o, word object_entry::* handles) noexcept;
    [[nodiscard]] bool add_ref(object_ref o, unsigned slot) noexcept;
    void release(object_ref o, unsigned slot) noexcept;
    void free_entry_if_unused(object_ref o) noexcept;
    [[nodiscard]] bool unused(const object_entry& e) const noexcept;
    [[nodiscard]] bool begin_freeing(object_ref o) noexcept;
    void free_with_contents(object_ref o, bool begun) noexcept;
    void finish_freeing(object_ref o, std::vector<object_ref>& orphans) noexcept;
    /// Whether that very process lives and waits for the object's lock.
    [[nodiscard]] bool waits(const object_entry& e, process_id p) const noexcept;

    const region& memory_;
    process_id self_;
    std::mutex mutex_;  // of the following, and of what this process writes into presence words for itself
    std::map<object_ref, unsigned> users_;  // in this process
    deferred_reclaim_list<std::uint32_t> entries_;
    std::uint64_t committed_ = 0;  // entries with memory behind them
};

}  // namespace cadre::detail::shm
