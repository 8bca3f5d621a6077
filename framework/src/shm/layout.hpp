/// @file
/// The layout of the shared region. It contains only atomic words and data with a single writer; zero means unused.
///
///     header | process table | arena of slot 0 | arena of slot 1 | … | far records of arena 0 | far records of arena 1 | …
///     arena: header | unit table | object table | units of 64 KiB
///     far records: one for each entry of the object table
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shm/identity.hpp"

namespace cadre::detail::shm {

using word = std::atomic<std::uint64_t>;
using half_word = std::atomic<std::uint32_t>;
static_assert(word::is_always_lock_free && half_word::is_always_lock_free);

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t unit_size = 64 * 1024;
inline constexpr unsigned max_domains = 65536;

/// Whether a process polls its pending bits by itself.
enum class loop_state : std::uint32_t {
    busy = 0,  ///< runs a work item; polls afterwards
    polling = 1,  ///< polls continuously
    asleep = 2,  ///< blocks until its doorbell is written
};

enum class slot_state : std::uint32_t { free = 0, live = 1, dead = 2 };
enum class domain_state : std::uint32_t { unused = 0, open = 1, stopped = 2 };

/// | word         | changed by                                  | to                               | order               |
/// | ------------ | ------------------------------------------- | -------------------------------- | ------------------- |
/// | pending_bits | any process that rings this one             | more bits, by fetch_or           | seq_cst             |
/// |              | the process itself, before it retries       | 0, by exchange                   | seq_cst             |
/// | loop         | the process itself                          | its state, by exchange           | seq_cst             |
/// |              | a ringer that finds it asleep               | busy, by CAS                     | seq_cst             |
/// | cpu          | the process itself                          | its CPU                          | relaxed             |
/// | identity     | the parent                                  | free → live → dead → free        | seq_cst             |
struct process_entry {
    alignas(64) word pending_bits;  ///< the objects whose waiters retry, as bits of object_ref::ring_index
    half_word loop;  ///< loop_state
    half_word cpu;  ///< the CPU on which the process last ran, plus one
    alignas(64) word identity;  ///< identity_word
};

[[nodiscard]] constexpr std::uint64_t identity_word(std::uint32_t generation, slot_state s) noexcept {
    return (std::uint64_t{generation} << 32) | static_cast<std::uint64_t>(s);
}

/// The sizes of a region are not in it: a process has them from the parent and compares them with the sealed size of
/// the memfd.
struct region_header {
    /// loop_state of the parent's supervisor, changed as process_entry::loop.
    alignas(64) half_word supervisor;
    /// The far processes whose doorbells the parent is to write for others, which have no descriptor of them; and which
    /// of these words are not 0. A ringer sets bits, in this order, and then rings the supervisor; the parent takes
    /// them by exchange.
    alignas(64) word wanted_bell_groups;
    word wanted_bells[far_groups];
    /// domain_state: the parent changes unused → open → stopped; others read with acquire.
    alignas(64) half_word domains[max_domains];
};

/// Written by the arena's owner with release; they never decrease.
struct arena_header {
    word units_used;  ///< units below this may be in use
    word objects_used;  ///< object entries below this may be in use
};

/// The part of a set of processes that is in the object's entry.
struct near_set {
    word slots;  ///< of near processes
    word groups;  ///< words of the far part that may have bits. No bit is ever cleared while the object exists.
};

enum class object_kind : std::uint32_t {
    none = 0,
    channel = 1,
    lock = 2,
    semaphore = 3,
    block = 4,
    shared_lock = 5,
    condition = 6,
};
enum class object_phase : std::uint32_t { free = 0, live = 1, freeing = 2 };

/// One shared object. The memory of an entry is never used for anything else, so access through an outdated handle is
/// harmless. The owner of the arena writes block, data, size, parameter and domain before the object is live. `state`
/// has its table at object_word, `lock` at lock_word. The others are changed by sequentially consistent
/// read-modify-writes:
///
/// | word       | changed by                                                                                   |
/// | ---------- | -------------------------------------------------------------------------------------------- |
/// | presence   | each process its own bit; the supervisor its own and that of a dead process: slot_set        |
/// | changes    | every process that is about to change presence, in_transit or queued: plus one               |
/// | in_transit | encoder of a result: plus one; its decoder: minus one, not below 0                           |
/// | queued     | sender: plus one before it queues; receiver: minus one, not below 0; supervisor: to 0        |
/// | interest   | each process its own bit; the supervisor that of a dead process: slot_set                    |
struct object_entry {
    alignas(64) word state;  ///< object_word
    word block;  ///< offset of the block that holds its data, 0 if it has none
    word data;  ///< offset of the data
    word size;  ///< requested bytes of data
    word parameter;  ///< capacity of a channel
    word domain;
    word lock;
    word in_transit;  ///< handles inside results of calls that are not decoded yet
    alignas(64) near_set presence;
    word changes;  ///< the number of changes of presence, in_transit and queued that were begun
    word queued;  ///< handles inside messages of channels; may be too high after a death
    alignas(64) near_set interest[2];  ///< processes with waiters, by queue
};
static_assert(sizeof(object_entry) == 192);

/// What far processes have to do with one object. Memory is committed by the process that touches it first; the arena's
/// owner discards all of it when it uses the entry again.
struct far_record {
    word presence[far_groups];
    word interest[2][far_groups];
    alignas(page_size) word permits[far_slots][2];  ///< of a semaphore; the first of each pair: slot_counts of others
};
static_assert(sizeof(far_record) == 17 * page_size);

/// Sizes of the parts of an arena.
struct arena_layout {
    std::uint64_t units = 0;
    std::uint64_t objects = 0;
    std::uint64_t unit_table = 0;  ///< offset in the arena
    std::uint64_t object_table = 0;  ///< offset in the arena
    std::uint64_t first_unit = 0;  ///< offset in the arena

    [[nodiscard]] static constexpr arena_layout of(std::uint64_t arena_size, std::uint64_t max_objects) noexcept {
        const auto up = [](std::uint64_t n, std::uint64_t to) { return (n + to - 1) / to * to; };
        arena_layout l;
        const std::uint64_t max_units = arena_size / unit_size;
        l.objects = arena_size / page_size < max_objects ? arena_size / page_size : max_objects;
        l.unit_table = page_size;
        l.object_table = up(l.unit_table + max_units * sizeof(half_word), page_size);
        l.first_unit = up(l.object_table + l.objects * sizeof(object_entry), unit_size);
        l.units = (arena_size - l.first_unit) / unit_size;
        return l;
    }
};

}  // namespace cadre::detail::shm
