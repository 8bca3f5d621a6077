#include <cadre/async_barrier.hpp>

#include <stdexcept>

#include <cadre/errors.hpp>

namespace cadre {

async_barrier::async_barrier(const executor& ex, std::uint32_t participants, detail::portable_action action)
    : block_(detail::make_words(ex, 1)), action_(std::move(action)) {
    detail::block_word(*block_, 0).store(detail::barrier_word::make(0, participants, 0, false).raw);
}

namespace detail {

namespace {

using core = barrier_core<>;

// While an action runs, the next phase is complete only if tasks arrive that do not wait for the one before, or if the
// word is damaged.
constexpr unsigned max_phases_in_sequence = 1000;

/// Runs the action of a completing phase and begins the next one; repeats if that is complete by then. @throws
/// broken_barrier
void complete_phases(shared_block& block, const portable_action& action) {
    core word(block_word(block, 0));
    unsigned phases = 0;
    for (core::step next = core::step::completing; next == core::step::completing; ++phases) {
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
        next = word.complete();
        if (next == core::step::broken) throw broken_barrier{};
        block.notify();
    }
}

}  // namespace

std::uint32_t barrier_arrive(shared_block& block, const portable_action& action, bool drop) {
    require_alive(block.alive());
    const core::arrival a = core(block_word(block, 0)).arrive(static_cast<bool>(action), drop);
    switch (a.what) {
        case core::step::broken: throw broken_barrier{};
        case core::step::too_many:
            throw std::logic_error("cadre::async_barrier: more arrivals in a phase than participants");
        case core::step::completing: complete_phases(block, action); break;
        case core::step::ended: block.notify(); break;
        case core::step::counted: break;
    }
    return a.phase;
}

bool barrier_withdraw(shared_block& block, std::uint32_t phase) noexcept {
    return core(block_word(block, 0)).withdraw(phase);
}

void barrier_abort(shared_block& block) noexcept {
    core(block_word(block, 0)).abort();
    block.notify();
}

void throw_broken_barrier() { throw broken_barrier{}; }

}  // namespace detail

}  // namespace cadre
