// The driver's part of virtual clocks and deadlocks: called where the driver would sleep.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

#include "backend_list.hpp"
#include "clock_step.hpp"
#include "loop_control.hpp"
#include "loop_driver.hpp"
#include "task_tree.hpp"

#include <unistd.h>

namespace cadre::detail {

namespace {

// The waits of all loops with a control.
std::vector<wait_note> waits_of(const std::vector<run_loop*>& loops) {
    std::vector<wait_note> found;
    for (const run_loop* loop : loops)
        if (loop->control() != nullptr)
            for (const auto& [waiter, note] : loop->control()->waits.all())
                found.push_back(note);
    return found;
}

std::string report(const std::vector<run_loop*>& loops, const std::vector<wait_note>& waits) {
    std::vector<live_task> tasks;
    for (run_loop* loop : loops) {
        std::vector<live_task> own = tasks_of(*loop);
        if (loop->control() != nullptr)
            for (live_task& t : own)
                t.waits.clear();  // their notes are complete
        std::ranges::move(own, std::back_inserter(tasks));
    }
    for (const wait_note& note : waits) {
        described_wait w = task_chain::describe(note);
        auto owner = std::ranges::find(tasks, w.task, &live_task::id);
        if (owner == tasks.end()) {
            owner = tasks.emplace(tasks.end());
            owner->id = w.task;
            owner->executor = "an unknown executor";
        }
        owner->waits.push_back(std::move(w));
    }
    std::string text =
        "every task waits, and nothing can wake one of them\n" + print_tree(std::move(tasks), 2, ::getpid());
    text.pop_back();
    return text;
}

}  // namespace

// Whether the loop stays with another thread: this driver neither runs it nor moves its clock.
bool loop_driver_set::held_elsewhere(const driver& self, const run_loop& loop) {
    return !self.holds(loop) && !loop.can_be_held(self.own == &loop);
}

// The order matters: work elsewhere posts to a loop before it counts as ended, so the loops are looked at last.
bool loop_driver_set::advance(driver& self) {
    std::vector<executor_backend*> loops;
    {
        const std::lock_guard hold(loops_mutex_);
        loops.assign(loops_.begin(), loops_.end());
    }
    clock_snapshot seen{.elsewhere = work_outstanding(loops)};
    const std::optional<steady_time> default_timer = next_default_timer();
    seen.elsewhere |= default_timers_firing();
    bool others_awake = false;
    {
        const std::lock_guard hold(drivers_mutex_);
        others_awake = active_.size() != sleeping_.load() + 1;
    }
    clock_step step{};
    {
        const std::lock_guard hold(loops_mutex_);
        virtual_timers* const first = look_at_loops(self, default_timer, others_awake, seen);
        step = choose_step(seen);
        if (step == clock_step::run) return true;
        self.paced = step == clock_step::follow;
        if (move_clocks(self)) return true;
        if (step == clock_step::advance) {
            first->advance_to(first->now() + *seen.virtual_time);
            return true;
        }
    }
    return step == clock_step::deadlock && end_deadlock(self);
}

// @param real the earliest of the process-wide timers @return the clock with the earliest timer, of those that this
// driver may move; not if a loop has work
virtual_timers* loop_driver_set::look_at_loops(const driver& self, std::optional<steady_time> real, bool others_awake,
                                               clock_snapshot& seen) {
    virtual_timers* first = nullptr;
    steady_time earliest{};
    for (run_loop* loop : loops_) {
        const bool others = held_elsewhere(self, *loop);
        const bool ready = self.own == loop && self.holds_own ? loop->ready() : loop->has_submitted();
        if (ready && !others) {
            seen.ready = true;
            return nullptr;
        }
        seen.elsewhere |= loop->events() != nullptr || (others && (others_awake || ready));
        if (const auto next = loop->next_deadline(); next && (!real || *next < *real)) real = next;
        loop_control* const control = loop->control();
        if (control == nullptr) continue;
        seen.waits |= loop->registry().live() != 0;
        const auto next = control->virtual_time && !others ? control->timers.next() : std::nullopt;
        if (!next || (first != nullptr && *next >= earliest)) continue;
        first = &control->timers;
        earliest = *next;
    }
    if (real) seen.real = *real - std::chrono::steady_clock::now();
    if (first != nullptr) seen.virtual_time = earliest - first->now();
    return first;
}

// Lets the virtual clocks pass as real time does, or stand still. @return whether a timer is due
bool loop_driver_set::move_clocks(const driver& self) {
    bool due = false;
    for (run_loop* loop : loops_) {
        loop_control* const control = loop->control();
        if (control == nullptr || !control->virtual_time || held_elsewhere(self, *loop)) continue;
        if (self.paced)
            control->timers.pass_real_time();
        else
            control->timers.stand_still();
        due |= control->timers.due();
    }
    return due;
}

// The first call requests stop of all tasks. Later calls request stop of the tasks that still wait, one by one, because
// a `shield` keeps requests from them.
bool loop_driver_set::end_deadlock(driver& self) {
    {
        const std::lock_guard hold(drivers_mutex_);
        if (active_.size() != 1) return false;  // another thread's task may wake one of these
    }
    struct pinned_loops {
        std::vector<run_loop*> all;
        ~pinned_loops() {
            for (run_loop* loop : all)
                loop->unpin();
        }
    } pinned;
    {
        const std::lock_guard hold(loops_mutex_);
        for (run_loop* loop : loops_)
            if (loop->pin()) pinned.all.push_back(loop);
    }
    const std::vector<wait_note> waits = waits_of(pinned.all);
    if (std::ranges::find(waits, wait_kind::foreign, &wait_note::kind) != waits.end()) return false;
    if (self.deadlock.empty()) {
        self.deadlock = report(pinned.all, waits);
        for (run_loop* loop : pinned.all)
            loop->registry().request_stop();
        return true;
    }
    for (const wait_note& note : waits) {
        if (note.env == nullptr || note.env->stop == nullptr || note.env->stop->stop_requested()) continue;
        note.env->stop->request_stop();
        return true;
    }
    std::fprintf(stderr,
                 "cadre: deadlock: %s\ncadre: some of these tasks still wait although stop was requested: the program "
                 "terminates\n",
                 self.deadlock.c_str());
    std::terminate();
}

}  // namespace cadre::detail
