/// @file
/// `async_barrier`: tasks wait for each other at the end of each phase, on threads and in worker processes.
///
///     cadre::async_barrier step{ex, 4};
///     for (int i = 0; i < 10; ++i) {       // in each of four tasks
///         crunch_a_little();
///         co_await step.arrive_and_wait();
///     }
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <cadre/detail/state/barrier_phase.hpp>
#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/portable_action.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// A barrier in the memory domain of an executor, for a fixed number of participants. All copies of the handle, also
/// those in worker processes, refer to the same barrier.
///
/// A phase ends when as many participants have arrived as are expected; then the next phase begins. A participant whose
/// process dies before it arrives never arrives: the others wait until they are cancelled, or `abort` is called. All
/// members are thread-safe.
class async_barrier {
public:
    static constexpr bool cadre_portable_handle = true;
    static constexpr std::uint32_t max_participants = detail::barrier_word::max_count;

    /// The phase in which a participant has arrived.
    class arrival_token {
    public:
        arrival_token() noexcept = default;

    private:
        friend class async_barrier;
        explicit arrival_token(std::uint32_t phase) noexcept : phase_(phase) {}
        std::uint32_t phase_ = 0;
    };

    /// A move copies: the handle that was moved from stays usable.
    async_barrier(const async_barrier&) = default;
    async_barrier& operator=(const async_barrier&) = default;

    /// @throws std::invalid_argument unless `participants` is positive and at most `max_participants`
    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    template <std::integral N>
    async_barrier(const executor& ex, N participants) : async_barrier(ex, checked(participants), {}) {}
    /// `action()` runs at the end of each phase, once, before any participant continues, in the process and inside
    /// the call of the participant that arrives or drops last. If it throws, the barrier is broken, and that
    /// participant receives the exception. `action` is portable and copyable.
    template <std::integral N, class Action>
    async_barrier(const executor& ex, N participants, Action&& action)
        : async_barrier(ex, checked(participants), action_of(std::forward<Action>(action))) {}

    /// Arrives without waiting. @return for `wait`
    /// @throws broken_barrier; executor_stopped; what the action throws
    /// @throws std::logic_error, without effect, if all expected participants of the phase have arrived
    [[nodiscard]] arrival_token arrive() const {
        return arrival_token(detail::barrier_arrive(*block_, action_, false));
    }
    /// Completes when the phase of `token` has ended. Stop: completes if it has; a wait ends with `cancelled`, and the
    /// participant stays arrived. Resumes at home. @throws cancelled, broken_barrier, executor_stopped
    [[nodiscard]] auto wait(arrival_token token) const {
        return detail::block_operation<detail::phase_end>(block_, {token.phase_});
    }
    /// Arrives when it is awaited, and completes when the phase has ended. Stop: completes if this is the last arrival;
    /// a wait ends with `cancelled` and is taken back, so that the participant may arrive again, unless the action is
    /// already running. Resumes at home. @throws cancelled, and as `arrive`
    [[nodiscard]] auto arrive_and_wait() const {
        return detail::block_operation<detail::barrier_arrival>(block_, detail::barrier_arrival(action_));
    }
    /// Arrives for the last time: this phase and the following ones expect one participant less. Does not wait.
    /// @throws as `arrive`
    void drop() const { detail::barrier_arrive(*block_, action_, true); }
    /// Breaks the barrier permanently: waiting and arriving participants get `broken_barrier`.
    void abort() const noexcept { detail::barrier_abort(*block_); }

    /// Snapshots: whether the barrier is broken; how many participants a phase expects; how many of them have arrived.
    /// In a worker of an executor of several hosts these, `arrive` and `drop` block for one round trip.
    /// @throws executor_stopped, std::bad_alloc there; else nothing
    [[nodiscard]] bool broken() const { return word().broken(); }
    [[nodiscard]] std::size_t participants() const { return word().expected(); }
    [[nodiscard]] std::size_t arrived() const { return word().arrived(); }

    void encode_handle(detail::encoder& out) const {
        block_->encode(out);
        action_.encode(out);
    }
    static async_barrier decode_handle(detail::decoder& in) {
        auto block = detail::take_word(in);
        return async_barrier(std::move(block), detail::portable_action::decode(in));
    }

    /// Whether both handles refer to the same barrier.
    friend bool operator==(const async_barrier& a, const async_barrier& b) noexcept { return a.block_ == b.block_; }

private:
    async_barrier(const executor& ex, std::uint32_t participants, detail::portable_action action);
    async_barrier(std::shared_ptr<detail::shared_block> block, detail::portable_action action) noexcept
        : block_(std::move(block)), action_(std::move(action)) {}

    template <class N>
    static std::uint32_t checked(N n) {
        if (std::cmp_less_equal(n, 0))
            throw std::invalid_argument("cadre::async_barrier: needs at least one participant");
        if (std::cmp_greater(n, max_participants))
            throw std::invalid_argument("cadre::async_barrier: too many participants");
        return static_cast<std::uint32_t>(n);
    }
    template <class Action>
    static detail::portable_action action_of(Action&& action) {
        static_assert(detail::portable_action_function<Action>,
                      "cadre::async_barrier: the action must be portable, copyable and callable without arguments: a "
                      "function, a captureless lambda or the result of bind_portable");
        return detail::portable_action(std::in_place, std::decay_t<Action>(std::forward<Action>(action)));
    }
    [[nodiscard]] detail::barrier_word word() const { return {detail::load_word(*block_)}; }

    std::shared_ptr<detail::shared_block> block_;
    detail::portable_action action_;
};

}  // namespace cadre
