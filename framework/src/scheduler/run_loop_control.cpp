// The parts of a serial loop that exist only with a virtual clock or a seed.

#include "loop_control.hpp"

#include <utility>

#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

namespace {

// A task whose operations complete at once suspends after a random number of them, from 1 to this number.
constexpr std::size_t longest_run = 16;
constexpr unsigned handlers_at_once = 1;  // of I/O, between two items

}  // namespace

void run_loop::control_deleter::operator()(loop_control* c) const noexcept { delete c; }

void run_loop::take_control(const loop_options& options) {
    control_.reset(new loop_control(options));
    if (options.virtual_time) clock_ = &control_->timers;
    if (control_->seeded) announce_every_push();
}

loop_control* control_here() noexcept {
    if (this_thread_waits == nullptr) return nullptr;
    return static_cast<run_loop*>(this_thread_worker)->control();
}

timer_service& timers_here() noexcept {
    loop_control* const control = control_here();
    return control != nullptr && control->virtual_time ? control->timers : default_timers();
}

bool run_loop::controlled_items() const noexcept { return control_ != nullptr && !control_->ready.empty(); }

// Called after each fork on a seeded loop: forks are drawn like everything else. A join that finds the deque empty
// counts the ends of its children one by one.
void run_loop::wake_one() noexcept {
    if (control_ != nullptr) collect_forks();
}

void run_loop::collect_forks() noexcept {
    while (const runnable forked = deque().pop())
        control_->ready.push_back(forked);
}

runnable run_loop::draw() noexcept {
    std::vector<runnable>& ready = control_->ready;
    drain_inbox();
    while (work_item* const item = queue_.pop_front())
        ready.push_back(runnable(item));
    collect_forks();
    if (ready.empty()) return {};
    std::swap(ready[control_->numbers.below(ready.size())], ready.back());
    const runnable drawn = ready.back();
    ready.pop_back();
    set_budget(1 + static_cast<int>(control_->numbers.below(longest_run)));
    return drawn;
}

bool run_loop::has_other_work() noexcept {
    if (control_ == nullptr || !control_->seeded) return true;
    set_budget(1 + static_cast<int>(control_->numbers.below(longest_run)));
    return has_items() || controlled_items();
}

bool run_loop::run_controlled(unsigned budget, bool by_reserver) noexcept {
    const entered inside(*this);
    bool any = false;
    for (unsigned n = 0; n < budget; ++n) {
        any |= control_->timers.fire_due();
        if (!timers_.empty()) any |= timers_.fire_due(std::chrono::steady_clock::now());
        if (events() != nullptr) any |= reactor_lease(*events(), nullptr).poll(handlers_at_once);
        const bool oldest = full_poll_due();
        const runnable next = control_->seeded ? draw() : take(oldest);
        if (!next) break;
        any = true;
        run(next);
        if (!by_reserver && is_reserved()) break;
    }
    queued_.store(has_items() || controlled_items(), std::memory_order_release);
    return any;
}

}  // namespace cadre::detail
