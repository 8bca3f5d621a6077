/// @file
/// `async_latch`: tasks wait until a number of steps has been made, once, on threads and in worker processes.
///
///     cadre::async_latch loaded{ex, 3};
///     loaded.count_down();        // in each of three tasks
///     co_await loaded.wait();
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include <cadre/detail/state/block_operation.hpp>
#include <cadre/executor.hpp>

namespace cadre {

namespace detail {

/// The latch's word is its count. `latch_step` lowers it by sequentially consistent compare-and-swaps, in any process;
/// a count of 0 never changes.
struct latch_open {
    static constexpr bool only_waits = true;
    static constexpr detail::wait_kind waits_for = detail::wait_kind::latch;
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] static op_status check(shared_block& block) noexcept {
        return block_word(block, 0).load() == 0 ? op_status::done : op_status::would_block;
    }
};

/// Lowers the count; `closed`, without effect: `steps` is above the count.
struct latch_step {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) const noexcept;

    std::uint64_t steps;
};
[[noreturn]] void throw_below_zero(std::uint64_t n);

/// Lowers the count when the wait begins.
struct latch_arrival {
    static constexpr detail::wait_kind waits_for = detail::wait_kind::latch;
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) noexcept {
        if (std::exchange(arrived, std::uint8_t{1}) == 0 && latch_step{steps}.check(block) == op_status::closed)
            return op_status::closed;
        return latch_open::check(block);
    }
    void end(shared_block&, op_status outcome) const {
        if (outcome == op_status::closed) throw_below_zero(steps);
    }

    std::uint64_t steps;
    std::uint8_t arrived = 0;
};

}  // namespace detail

/// A count in the memory domain of an executor that only falls; a latch is used once. All copies of the handle, also
/// those in worker processes, refer to the same latch. If a process dies before it has counted down, the count
/// stays above 0, and waits end only by cancellation. All members are thread-safe.
class async_latch {
public:
    static constexpr bool cadre_portable_handle = true;

    /// A move copies: the handle that was moved from stays usable.
    async_latch(const async_latch&) = default;
    async_latch& operator=(const async_latch&) = default;

    /// @throws std::invalid_argument if `count` is negative or above 2^63-1
    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    template <std::integral N>
    async_latch(const executor& ex, N count) : async_latch(ex, checked(count), counted{}) {}

    /// Lowers the count by `n`; at 0 all waits end.
    /// @throws std::invalid_argument if `n` is negative; std::underflow_error, without effect, if it is above the count
    template <std::integral N = int>
    void count_down(N n = 1) const {
        detail::latch_step step{checked(n)};
        const detail::op_status outcome = detail::try_cell(*block_, step);
        if (outcome == detail::op_status::closed) detail::throw_below_zero(step.steps);
        detail::require_alive(outcome);
    }
    /// The count: a snapshot. In a worker of an executor of several hosts it, `try_wait` and `count_down` block for one
    /// round trip. @throws executor_stopped, std::bad_alloc there; else nothing
    [[nodiscard]] std::uint64_t count() const { return detail::load_word(*block_); }
    /// Whether the count is 0. @throws as `count`
    [[nodiscard]] bool try_wait() const { return count() == 0; }
    /// Completes when the count is 0. Stop: completes if it is; a wait ends with `cancelled`. Resumes at home.
    /// @throws cancelled, executor_stopped
    [[nodiscard]] auto wait() const { return detail::block_operation<detail::latch_open>(block_, {}); }
    /// When it is awaited, `count_down(n)` and then `wait()`. A cancelled wait stays counted.
    /// @throws as both
    template <std::integral N = int>
    [[nodiscard]] auto arrive_and_wait(N n = 1) const {
        return detail::block_operation<detail::latch_arrival>(block_, {checked(n)});
    }

    void encode_handle(detail::encoder& out) const { block_->encode(out); }
    static async_latch decode_handle(detail::decoder& in) { return async_latch(detail::take_word(in)); }

    /// Whether both handles refer to the same latch.
    friend bool operator==(const async_latch& a, const async_latch& b) noexcept { return a.block_ == b.block_; }

private:
    struct counted {};
    async_latch(const executor& ex, std::uint64_t count, counted);
    explicit async_latch(std::shared_ptr<detail::shared_block> block) noexcept : block_(std::move(block)) {}

    template <class N>
    static std::uint64_t checked(N n) {
        if (std::cmp_less(n, 0)) throw std::invalid_argument("cadre::async_latch: a count is negative");
        if (std::cmp_greater(n, std::numeric_limits<std::int64_t>::max()))
            throw std::invalid_argument("cadre::async_latch: a count is too large");
        return static_cast<std::uint64_t>(n);
    }

    std::shared_ptr<detail::shared_block> block_;
};

}  // namespace cadre
