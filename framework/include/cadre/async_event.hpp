/// @file
/// `async_event`: a flag for which tasks wait, on threads and in worker processes.
///
///     cadre::async_event ready{ex};
///     ready.set();               // anywhere
///     co_await ready.wait();     // in any number of tasks
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <cadre/detail/state/block_operation.hpp>
#include <cadre/executor.hpp>

namespace cadre {

namespace detail {

/// The event's word: sets so far << 1 | whether it is set. `event_setting` changes it by sequentially consistent
/// compare-and-swaps, in any process. From the number of sets a waiter detects that the event was set, although it has
/// been reset since.
inline constexpr std::uint64_t event_set_bit = 1;

/// Sets or clears the flag, and notifies those that wait.
struct event_setting {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) const noexcept;

    std::uint8_t set;  // no bool: another process may have written it
};

struct event_set {
    static constexpr bool only_waits = true;
    static constexpr std::size_t block_size = sizeof(std::uint64_t);

    [[nodiscard]] op_status check(shared_block& block) noexcept {
        const std::uint64_t now = block_word(block, 0).load();
        if (begun == 0) {
            begun = 1;
            at_begin = now;
        }
        return (now & event_set_bit) != 0 || now != at_begin ? op_status::done : op_status::would_block;
    }

    std::uint64_t at_begin = 0;
    std::uint8_t begun = 0;
};

}  // namespace detail

/// A flag in the memory domain of an executor, at first not set. All copies of the handle, also those in worker
/// processes, refer to the same event. The death of a process does not change an event. All members
/// are thread-safe.
class async_event {
public:
    static constexpr bool cadre_portable_handle = true;

    /// A move copies: the handle that was moved from stays usable.
    async_event(const async_event&) = default;
    async_event& operator=(const async_event&) = default;

    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    explicit async_event(const executor& ex) : block_(detail::make_word(ex, 0)) {}

    /// Sets the flag. Every task that waits now continues, also if the event is reset before it runs. No effect on a
    /// set event.
    void set() const noexcept { detail::perform_cell_later(*block_, detail::event_setting{.set = true}); }
    /// Clears the flag: later waits wait for the next `set`.
    void reset() const noexcept { detail::perform_cell_later(*block_, detail::event_setting{.set = false}); }
    /// A snapshot. In a worker of an executor of several hosts it blocks for one round trip.
    /// @throws executor_stopped, std::bad_alloc there; else nothing
    [[nodiscard]] bool is_set() const { return (detail::load_word(*block_) & detail::event_set_bit) != 0; }
    /// Completes when the event is set, or was set since the wait began. Stop: completes if the event is set; a wait
    /// ends with `cancelled`. Resumes at home. @throws cancelled, executor_stopped
    [[nodiscard]] auto wait() const { return detail::block_operation<detail::event_set>(block_, {}); }

    void encode_handle(detail::encoder& out) const { block_->encode(out); }
    static async_event decode_handle(detail::decoder& in) { return async_event(detail::take_word(in)); }

    /// Whether both handles refer to the same event.
    friend bool operator==(const async_event& a, const async_event& b) noexcept { return a.block_ == b.block_; }

private:
    explicit async_event(std::shared_ptr<detail::shared_block> block) noexcept : block_(std::move(block)) {}

    std::shared_ptr<detail::shared_block> block_;
};

}  // namespace cadre
