/// @file
/// The word of a barrier, and the conditions of waits for the end of a phase.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/portable_action.hpp>

namespace cadre::detail {

/// phase << 42 | expected << 22 | arrived << 2 | completing << 1 | broken. Changed by any process, by sequentially
/// consistent compare-and-swaps. p: phase, e: expected, a: arrived.
///
/// | state             | changed by                                          | to                                |
/// | ----------------- | --------------------------------------------------- | --------------------------------- |
/// | (p, e, a)         | an arrival, a + 1 < e                               | (p, e, a + 1)                     |
/// |                   | the last arrival or drop of a barrier with action   | (p, e or e - 1, 0, completing)    |
/// |                   | the last one of a barrier without                   | (p + 1, e or e - 1, 0)            |
/// |                   | a drop, a < e - 1                                   | (p, e - 1, a)                     |
/// |                   | a cancelled waiter that had arrived in p            | (p, e, a - 1)                     |
/// | (…, completing)   | arrivals for phase p + 1, drops, cancelled waiters  | as above, completing              |
/// |                   | the process whose action has ended, a < e           | (p + 1, e, a)                     |
/// |                   | the same, a = e: the next phase completes as well   | (p + 1, e, 0, completing)         |
/// | any               | abort, or a process whose action has failed         | the same, broken: for good        |
struct barrier_word {
    std::uint64_t raw;

    static constexpr std::uint32_t max_count = (1u << 20) - 1;
    static constexpr std::uint32_t phase_mask = (1u << 22) - 1;
    static constexpr barrier_word make(std::uint32_t phase, std::uint32_t expected, std::uint32_t arrived,
                                       bool completing, bool broken = false) noexcept {
        return {(std::uint64_t{phase & phase_mask} << 42) | (std::uint64_t{expected} << 22) |
                (std::uint64_t{arrived} << 2) | (completing ? 2u : 0u) | (broken ? 1u : 0u)};
    }
    [[nodiscard]] constexpr std::uint32_t phase() const noexcept { return static_cast<std::uint32_t>(raw >> 42); }
    [[nodiscard]] constexpr std::uint32_t expected() const noexcept {
        return static_cast<std::uint32_t>(raw >> 22) & max_count;
    }
    [[nodiscard]] constexpr std::uint32_t arrived() const noexcept {
        return static_cast<std::uint32_t>(raw >> 2) & max_count;
    }
    [[nodiscard]] constexpr bool completing() const noexcept { return (raw & 2) != 0; }
    [[nodiscard]] constexpr bool broken() const noexcept { return (raw & 1) != 0; }
    /// The phase in which an arrival counts now.
    [[nodiscard]] constexpr std::uint32_t open_phase() const noexcept {
        return (phase() + (completing() ? 1 : 0)) & phase_mask;
    }
    /// Whether `p` has ended. A participant arrives once a phase, so no phase is compared with one that is far away.
    [[nodiscard]] constexpr bool ended(std::uint32_t p) const noexcept {
        const std::uint32_t since = (phase() - p) & phase_mask;
        return since != 0 && since <= phase_mask / 2;
    }
};

/// The transitions of the word. `Word` is another type in the model that explores this code,
/// tests/models/barrier_model.hpp.
template <class Word = std::atomic<std::uint64_t>>
class barrier_core {
public:
    explicit barrier_core(Word& word) noexcept : word_(word) {}

    enum class step : std::uint8_t {
        counted,  ///< others are still to arrive
        ended,  ///< the phase has ended: those that wait must be notified
        completing,  ///< the caller runs the action, then calls `complete` or `abort`
        broken,
        too_many,  ///< more arrivals than participants
    };
    struct arrival {
        step what = step::counted;
        std::uint32_t phase = 0;  ///< in which it counts
    };
    [[nodiscard]] arrival arrive(bool has_action, bool drop) noexcept {
        barrier_word w{word_.load()};
        for (;;) {
            if (w.broken()) return {step::broken, 0};
            if (w.arrived() >= w.expected()) return {step::too_many, 0};
            const std::uint32_t expected = w.expected() - (drop ? 1 : 0);
            const std::uint32_t arrived = w.arrived() + (drop ? 0 : 1);
            const bool last = arrived == expected && !w.completing();
            const barrier_word next = !last        ? barrier_word::make(w.phase(), expected, arrived, w.completing())
                                      : has_action ? barrier_word::make(w.phase(), expected, 0, true)
                                                   : barrier_word::make(w.phase() + 1, expected, 0, false);
            if (!word_.compare_exchange_weak(w.raw, next.raw)) continue;
            return {!last ? step::counted : has_action ? step::completing : step::ended, w.open_phase()};
        }
    }
    /// After the action: begins the next phase. @return completing if that is complete by now, after a notification;
    /// else ended, or broken
    [[nodiscard]] step complete() noexcept {
        barrier_word w{word_.load()};
        for (;;) {
            if (w.broken()) return step::broken;
            const bool again = w.arrived() == w.expected() && w.expected() != 0;
            const barrier_word next = barrier_word::make(w.phase() + 1, w.expected(), again ? 0 : w.arrived(), again);
            if (word_.compare_exchange_weak(w.raw, next.raw)) return again ? step::completing : step::ended;
        }
    }
    /// Takes back an arrival in `phase`, if nothing depends on it yet. @return false if the phase has ended or the
    /// barrier is broken
    [[nodiscard]] bool withdraw(std::uint32_t phase) noexcept {
        barrier_word w{word_.load()};
        for (;;) {
            if (w.ended(phase) || w.broken()) return false;
            if (w.open_phase() != phase || w.arrived() == 0) return true;  // its action is running
            const barrier_word next = barrier_word::make(w.phase(), w.expected(), w.arrived() - 1, w.completing());
            if (word_.compare_exchange_weak(w.raw, next.raw)) return true;
        }
    }
    void abort() noexcept { word_.fetch_or(1); }

private:
    Word& word_;
};

/// Arrives, or drops, without waiting; notifies those that wait if a phase has ended.
struct barrier_step {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) noexcept;

    std::uint8_t has_action;  // no bool: another process may have written it
    std::uint8_t drop;
    barrier_core<>::arrival arrival{};
};
/// Arrives, or drops; at the end of a phase runs the action and notifies. @return the phase of the arrival
/// @throws broken_barrier, executor_stopped, std::logic_error, what the action throws
std::uint32_t barrier_arrive(shared_block& block, const portable_action& action, bool drop);
/// The rest of an arrival, which may be the last of its phase. @throws as `barrier_arrive`
void finish_arrival(shared_block& block, const portable_action& action, barrier_core<>::step step);
void barrier_abort(shared_block& block) noexcept;
[[noreturn]] void throw_broken_barrier();

/// The end of a phase.
struct phase_end {
    static constexpr bool only_waits = true;
    static constexpr wait_kind waits_for = wait_kind::barrier;
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) const noexcept {
        const barrier_word w{block_word(block, 0).load()};
        if (w.ended(phase)) return op_status::done;
        return w.broken() ? op_status::closed : op_status::would_block;
    }
    static void end(shared_block&, op_status outcome) {
        if (outcome == op_status::closed) throw_broken_barrier();
    }

    std::uint32_t phase;
};

/// Arrives when the wait begins, and waits for the end of the phase, if that needs nothing of this participant.
struct arrival_wait {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) noexcept {
        if (std::exchange(arrived, std::uint8_t{1}) == 0) {
            const op_status outcome = step.check(block);
            if (outcome != op_status::done || step.arrival.what != barrier_core<>::step::counted) return outcome;
        }
        return phase_end{step.arrival.phase}.check(block);
    }
    [[nodiscard]] bool withdraw(shared_block& block) const noexcept {
        return barrier_core<>(block_word(block, 0)).withdraw(step.arrival.phase);
    }

    barrier_step step;
    std::uint8_t arrived = 0;
};

/// The end of the phase in which the wait has arrived. The last participant runs the action.
struct barrier_arrival {
    static constexpr wait_kind waits_for = wait_kind::barrier;
    explicit barrier_arrival(portable_action a) noexcept
        : action(std::move(a)), at_home{.step = {.has_action = static_cast<bool>(action), .drop = false}} {}

    void end(shared_block& block, op_status outcome) const {
        phase_end::end(block, outcome);
        finish_arrival(block, action, at_home.step.arrival.what);
    }

    portable_action action;
    arrival_wait at_home;
};

}  // namespace cadre::detail
