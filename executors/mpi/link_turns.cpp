// The engine: which thread has the turn, and how threads wait for messages.

#include "mpi/link_engine.hpp"

#include <cadre/detail/base/compiler.hpp>

#include <algorithm>
#include <thread>
#include <utility>

#include <sys/prctl.h>

namespace cadre::detail::mpi {
namespace {

using namespace std::chrono_literals;

constexpr auto spin_time = 20us;
constexpr auto long_spin_time = 100us;
constexpr auto loop_spin_time = 4us;
constexpr auto sleep_without_question = 100us;
constexpr auto max_sleep = 1ms;
constexpr auto long_idle = 1s;
constexpr auto long_idle_sleep = 30ms;

// Instead of a sleep.
constexpr std::chrono::steady_clock::duration spins{0};
constexpr std::chrono::steady_clock::duration yields{-1};

}  // namespace

void link_engine::run() noexcept {
    // The default timer slack of 50 µs would prolong the short sleeps.
    static_cast<void>(::prctl(PR_SET_TIMERSLACK, 1));
    end_turn();
    while (phase_ != phase::done && phase_ != phase::late) {
        if (loop_polls()) {
            shared_.requests.sleep(max_sleep);
        } else if (!take_turn()) {
            std::this_thread::yield();
        } else {
            const bool moved = step();
            record(moved);
            const clock::duration sleep = moved ? spins : choose_sleep();
            end_turn();
            if (!moved) wait(sleep);
        }
    }
    while (!take_turn())
        std::this_thread::yield();
    if (phase_ == phase::done)
        finalize();
    else
        report_late();
}

bool link_engine::poll() noexcept {
    shared_.loop_polls.store(shared_.loop_polls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (!take_turn()) return false;
    const bool moved = step();
    record(moved);
    const bool may_yield = !moved && waited_ > loop_spin_time && !crowded_;
    end_turn();
    // The process that answers, or a worker of this one, may wait for this core.
    if (may_yield && shared_.loop.load(std::memory_order_relaxed) == loop_state::polling) shared_.yield();
    return moved;
}

void link_engine::flush() noexcept {
    while (shared_.requests.any() && !shared_.backlog.load(std::memory_order_relaxed) && take_turn()) {
        take_requests();
        distribute_work();
        outbox_->advance();
        record(true);
        shared_.turn.exchange(false, std::memory_order_acq_rel);
    }
}

void link_engine::end_turn() noexcept {
    shared_.turn.exchange(false, std::memory_order_acq_rel);
    flush();
}

// The thread of the link: whether it need not poll.
bool link_engine::loop_polls() noexcept {
    const std::uint32_t polls = shared_.loop_polls.load(std::memory_order_relaxed);
    const bool any = std::exchange(seen_polls_, polls) != polls;
    const bool stands_in = !any || shared_.loop.load(std::memory_order_relaxed) == loop_state::asleep ||
                           shared_.stopping.load(std::memory_order_relaxed);
    if (shared_.stands_in.load(std::memory_order_relaxed) != stands_in)
        shared_.stands_in.store(stands_in, std::memory_order_relaxed);
    return !stands_in;
}

// Before the end of a turn.
void link_engine::record(bool moved) noexcept {
    if (moved) {
        progressed_ = true;
    } else {
        const auto now = clock::now();
        if (std::exchange(progressed_, false)) last_progress_ = now;
        waited_ = now - last_progress_;
        crowded_ = shared_.yield.crowded(now);
    }
    const bool backlog = !outbox_->empty();
    const bool expects = expects_message_ || backlog;
    const bool soon = expects && messages_are_quick_ && !crowded_;
    if (shared_.backlog.load(std::memory_order_relaxed) != backlog)
        shared_.backlog.store(backlog, std::memory_order_relaxed);
    if (shared_.expects.load(std::memory_order_relaxed) != expects) shared_.expects.store(expects);
    if (shared_.expects_soon.load(std::memory_order_relaxed) != soon)
        shared_.expects_soon.store(soon, std::memory_order_relaxed);
}

// A message that this process sends is usually a call or a reply, which the other side answers soon: the thread polls
// for the answer without sleeping. A message that it receives is usually for another thread of this process, perhaps on
// the same core, whose answer wakes this thread: it yields the core.
link_engine::clock::duration link_engine::choose_sleep() noexcept {
    const bool expects = expects_message_ || !outbox_->empty();
    if (expects && waited_ < spin_time) return spins;
    if (expects && waited_ < long_spin_time && messages_are_quick_ && !crowded_) return yields;
    if (waited_ > long_idle) return long_idle_sleep;
    const clock::duration least = expects ? clock::duration::zero() : sleep_without_question;
    return std::clamp<clock::duration>(waited_ / 10, least, max_sleep);
}

void link_engine::wait(clock::duration sleep) noexcept {
    if (sleep == spins)
        cpu_relax();
    else if (sleep == yields)
        shared_.yield();
    else
        shared_.requests.sleep(sleep);
}

}  // namespace cadre::detail::mpi
