#include <cadre/async_barrier.hpp>

#include <stdexcept>

#include <cadre/errors.hpp>

namespace cadre {

async_barrier::async_barrier(const executor& ex, std::uint32_t participants, detail::portable_action action)
    : block_(detail::make_word(ex, detail::barrier_word::make(0, participants, 0, false).raw)),
      action_(std::move(action)) {}

namespace detail {

namespace {

using core = barrier_core<>;

// While an action runs, the next phase is complete only if tasks arrive that do not wait for the one before, or if the
// word is damaged.
constexpr unsigned max_phases_in_sequence = 1000;

/// The action of a phase has ended: begins the next one.
struct action_end {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) noexcept {
        next = core(block_word(block, 0)).complete();
        if (next != core::step::broken) block.notify();
        return op_status::done;
    }

    core::step next = core::step::ended;
};

struct abortion {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] static op_status check(shared_block& block) noexcept {
        if (block.alive() != op_status::done) return op_status::done;
        core(block_word(block, 0)).abort();
        block.notify();
        return op_status::done;
    }
};

/// Runs the action of a completing phase and begins the next one; repeats if that is complete by then. @throws
/// broken_barrier
void complete_phases(shared_block& block, const portable_action& action) {
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
        next = perform_cell(block, action_end{}).next;
        if (next == core::step::broken) throw broken_barrier{};
    }
}

}  // namespace

op_status barrier_step::check(shared_block& block) noexcept {
    arrival = core(block_word(block, 0)).arrive(has_action != 0, drop != 0);
    if (arrival.what == core::step::ended) block.notify();
    return op_status::done;
}

std::uint32_t barrier_arrive(shared_block& block, const portable_action& action, bool drop) {
    require_alive(block.alive());
    const core::arrival arrival =
        perform_cell(block, barrier_step{.has_action = static_cast<bool>(action), .drop = drop}).arrival;
    finish_arrival(block, action, arrival.what);
    return arrival.phase;
}

void finish_arrival(shared_block& block, const portable_action& action, core::step step) {
    switch (step) {
        case core::step::broken: throw broken_barrier{};
        case core::step::too_many:
            throw std::logic_error("cadre::async_barrier: more arrivals in a phase than participants");
        case core::step::completing: return complete_phases(block, action);
        case core::step::ended:
        case core::step::counted: return;
    }
}

void barrier_abort(shared_block& block) noexcept { perform_cell_later(block, abortion{}); }

void throw_broken_barrier() { throw broken_barrier{}; }

}  // namespace detail

}  // namespace cadre
