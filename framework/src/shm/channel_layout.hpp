/// @file
/// The words of a channel in shared memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// All operations on these words are sequentially consistent. Any process may read them.
///
/// | word          | changed by                                 | to                                                 |
/// | ------------- | ------------------------------------------ | -------------------------------------------------- |
/// | tail          | a sender that finds its cell not free      | position + 1, by CAS; never once closed            |
/// |               | the process that closes                    | the same position with the close mark, by fetch_or |
/// | head          | a receiver, supervisor: cell passed        | position + 1, by CAS                               |
/// | returned      | supervisor; a receiver that returns a cell | one more                                           |
/// | returned_seen | a receiver that finds no returned cell     | the value of `returned` before its search, by CAS  |
/// | closing       | the process that closes, before the mark   | 1                                                  |
/// | drained       | a receiver that finds the channel drained  | 1                                                  |
template <class Word>
struct basic_channel_header {
    alignas(64) Word tail;  ///< position << 1 | close mark
    alignas(64) Word head;
    alignas(64) Word returned;  ///< the number of cells ever returned
    Word returned_seen;         ///< the number of those that are known to be taken
    Word closing;
    Word drained;
};

/// Phase of a cell at position p of the stream of messages. All stores, exchanges and compare-and-swaps are
/// sequentially consistent.
///
/// | state                | changed by                           | to                                                |
/// | -------------------- | ------------------------------------ | ------------------------------------------------- |
/// | free(p)              | a sender s                           | writing(p, s), by CAS                             |
/// | writing(p, s)        | s                                    | full(p), by exchange                              |
/// |                      | s, if the channel closed before p    | free(p)                                           |
/// |                      | supervisor, if s is dead             | skipped(p), by CAS                                |
/// | full(p)              | a receiver r; the last user          | taking(p, r), by CAS                              |
/// | taking(p, r)         | r: the message is consumed           | free(p + cells), by exchange                      |
/// |                      | r, without memory for the message    | returned(p, r)                                    |
/// |                      | supervisor, if r is dead             | returned(p), by CAS                               |
/// | returned(p)          | a receiver r; the last user          | taking(p, r), by CAS                              |
/// | skipped(p)           | any receiver                         | free(p + cells), by CAS                           |
enum class cell_phase : unsigned { free = 0, writing = 1, full = 2, taking = 3, skipped = 4, returned = 5 };

/// position << 16 | slot << 3 | phase. Positions are numbers of 48 bits that wrap; the indices, which have 64 bits,
/// never do. A cell's position is compared with an index as a distance, and only a process that was suspended for
/// exactly 2^48 messages, four months at full speed, could mistake one for another. The slot alone names the claimant,
/// because a slot has no new process before the supervisor has recovered what its dead process held.
struct cell_word {
    std::uint64_t raw;

    static constexpr cell_word make(std::uint64_t position, cell_phase p, unsigned slot = 0) noexcept {
        return {(position << 16) | (std::uint64_t{slot} << 3) | static_cast<unsigned>(p)};
    }
    [[nodiscard]] constexpr std::uint64_t position() const noexcept { return raw >> 16; }
    /// Whether the cell is at position `p`, and whether at an earlier one.
    [[nodiscard]] constexpr bool is_at(std::uint64_t p) const noexcept { return (raw >> 16) == (p << 16) >> 16; }
    [[nodiscard]] constexpr bool is_before(std::uint64_t p) const noexcept {
        return static_cast<std::int64_t>((p << 16) - (raw >> 16 << 16)) > 0;
    }
    [[nodiscard]] constexpr unsigned slot() const noexcept {
        return static_cast<unsigned>(raw >> 3) & ((1u << slot_bits) - 1);
    }
    [[nodiscard]] constexpr cell_phase phase() const noexcept { return static_cast<cell_phase>(raw & 7u); }
    /// Whether the cell has a message, unless its receiver is just consuming it.
    [[nodiscard]] constexpr bool has_message() const noexcept {
        return phase() == cell_phase::full || phase() == cell_phase::taking || phase() == cell_phase::returned;
    }
};

template <class Word>
struct basic_channel_cell {
    static constexpr std::size_t room = 48;
    alignas(64) Word state;  ///< cell_word
    /// The length of the message in `bytes`, or in_block and the offset of its block; and carries_bit. Written by the
    /// claimant alone, relaxed: `state` publishes it.
    Word length;
    std::byte bytes[room];
    static constexpr std::uint64_t in_block = 1ull << 63;
    static constexpr std::uint64_t carries_bit = 1ull << 62;  ///< names of handles are at the message's end
};
using channel_cell = basic_channel_cell<word>;
static_assert(sizeof(channel_cell) == 64);

/// A channel's words where this process maps them.
template <class Word>
class basic_channel_words {
public:
    using header_type = basic_channel_header<Word>;
    using cell_type = basic_channel_cell<Word>;
    static constexpr std::uint64_t max_cells = max_channel_capacity;

    [[nodiscard]] static constexpr std::uint64_t bytes(std::uint64_t cells) noexcept {
        return sizeof(header_type) + cells * sizeof(cell_type);
    }
    /// In zeroed memory, before any other process sees it.
    static void initialise(std::byte* data, std::uint64_t cells) noexcept {
        const basic_channel_words words(data, cells);
        for (std::uint64_t i = 0; i != cells; ++i)
            words.cells_[i].state.store(cell_word::make(i, cell_phase::free).raw, std::memory_order_relaxed);
    }

    /// `data` has `bytes(cells)` bytes, aligned to 64.
    basic_channel_words(std::byte* data, std::uint64_t cells) noexcept
        : header_(reinterpret_cast<header_type*>(data)),
          cells_(reinterpret_cast<cell_type*>(data + sizeof(header_type))), count_(cells),
          mask_((cells & (cells - 1)) == 0 ? cells - 1 : 0) {}

    [[nodiscard]] header_type& header() const noexcept { return *header_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] cell_type& at(std::uint64_t position) const noexcept {
        return cells_[mask_ != 0 || count_ == 1 ? position & mask_ : position % count_];
    }
    /// Fetches a later cell than `c` into this processor's cache, to be written; unless the cells start over there.
    void prefetch_after(const cell_type& c) const noexcept {
        constexpr std::ptrdiff_t distance = 4;  // messages that follow each other, on their way at the same time
        if (cells_ + count_ - &c <= distance) return;
#if defined(__x86_64__)
        // The baseline of __builtin_prefetch has no instruction for a line that is to be written. This one is ignored
        // by processors that do not know it.
        asm volatile("prefetchw %0" ::"m"(*reinterpret_cast<const char*>(&c + distance)));
#else
        __builtin_prefetch(&c + distance, 1);
#endif
    }
    [[nodiscard]] cell_type* begin() const noexcept { return cells_; }
    [[nodiscard]] cell_type* end() const noexcept { return cells_ + count_; }

private:
    header_type* header_;
    cell_type* cells_;
    std::uint64_t count_;
    std::uint64_t mask_;
};
using channel_words = basic_channel_words<word>;

}  // namespace cadre::detail::shm
