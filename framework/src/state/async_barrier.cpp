#include <cadre/async_barrier.hpp>

#include <atomic>

#include <cadre/errors.hpp>

namespace cadre {

async_barrier::async_barrier(const executor& ex, std::uint32_t participants, detail::portable_action action)
    : block_(detail::make_words(ex, 1)), action_(std::move(action)) {
    detail::block_word(*block_, 0).store(detail::barrier_word::make(0, participants, 0, false).raw);
}

namespace detail {

namespace {

// While an action runs, the next phase is complete only if tasks arrive that do not wait for the one before, or if the word is damaged.
constexpr unsigned max_phases_in_sequence = 1000;

/// Runs the action of a completing phase and begins the next one; repeats if that is complete by then. @throws broken_barrier
void complete_phases(shared_block& block, const portable_action& action) {
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    unsigned phases = 0;
    for (bool again = true; again; ++phases) {
        if (phases == max_phases_in_sequence) {
            barrier_abort(block);
            throw broken_barrier{};
        }
        try {
            action();
        } catch (...) {
            barrier_abort(block);
            throw;
        }
        barrier_word w{word.load()};
        barrier_word next{};
        do {
            if (w.broken()) throw broken_barrier{};
            again = w.arrived() == w.expected() && w.expected() != 0;
            next = barrier_word::make(w.phase() + 1, w.expected(), again ? 0 : w.arrived(), again);
        } while (!word.compare_exchange_weak(w.raw, next.raw));
        block.notify();
    }
}

}  // namespace

std::uint32_t barrier_arrive(shared_block& block, const portable_action& action, bool drop) {
    require_alive(block.alive());
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    barrier_word w{word.load()};
    for (;;) {
        if (w.broken()) throw broken_barrier{};
        if (w.arrived() >= w.expected())
            throw std::logic_error("cadre::async_barrier: more arrivals in a phase than participants");
        const std::uint32_t expected = w.expected() - (drop ? 1 : 0);
        const std::uint32_t arrived = w.arrived() + (drop ? 0 : 1);
        const bool last = arrived == expected && !w.completing();
        const barrier_word next = !last    ? barrier_word::make(w.phase(), expected, arrived, w.completing())
                                  : action ? barrier_word::make(w.phase(), expected, 0, true)
                                           : barrier_word::make(w.phase() + 1, expected, 0, false);
        if (!word.compare_exchange_weak(w.raw, next.raw)) continue;
        const std::uint32_t phase = w.open_phase();
        if (last && action)
            complete_phases(block, action);
        else if (last)
            block.notify();
        return phase;
    }
}

bool barrier_withdraw(shared_block& block, std::uint32_t phase) noexcept {
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    barrier_word w{word.load()};
    for (;;) {
        if (w.ended(phase) || w.broken()) return false;
        if (w.open_phase() != phase || w.arrived() == 0) return true;  // its action is running
        const barrier_word next = barrier_word::make(w.phase(), w.expected(), w.arrived() - 1, w.completing());
        if (word.compare_exchange_weak(w.raw, next.raw)) return true;
    }
}

void barrier_abort(shared_block& block) noexcept {
    block_word(block, 0).fetch_or(1);
    block.notify();
}

void throw_broken_barrier() { throw broken_barrier{}; }

}  // namespace detail

}  // namespace cadre
