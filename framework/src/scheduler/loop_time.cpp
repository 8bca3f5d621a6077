// The driver's part of virtual clocks and deadlocks: called where the driver would sleep.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

#include "backend_list.hpp"
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

// The order of the checks matters: work elsewhere posts to a loop before it counts as ended.
bool loop_driver_set::advance(driver& self) {
    std::vector<executor_backend*> own;
    {
        const std::lock_guard hold(loops_mutex_);
        own.assign(loops_.begin(), loops_.end());
    }
    bool elsewhere = work_outstanding(own);
    std::optional<steady_time> real = next_default_timer();  // by the hardware's clock
    elsewhere |= default_timers_firing();
    bool waits = false;
    bool others_awake = false;
    {
        const std::lock_guard hold(drivers_mutex_);
        others_awake = active_.size() != sleeping_.load() + 1;
    }
    const auto held_elsewhere = [&](const run_loop& loop) {
        return !self.holds(loop) && !loop.can_be_held(self.own == &loop);
    };
    {
        const std::lock_guard hold(loops_mutex_);
        run_loop* first = nullptr;
        steady_time earliest{};
        for (run_loop* loop : loops_) {
            const bool others = held_elsewhere(*loop);
            const bool ready = self.own == loop && self.holds_own ? loop->ready() : loop->has_submitted();
            if (ready && !others) return true;
            elsewhere |= loop->events() != nullptr || (others && (others_awake || ready));
            if (const auto next = loop->next_deadline(); next && (!real || *next < *real)) real = next;
            const loop_control* const control = loop->control();
            if (control == nullptr) continue;
            waits |= loop->registry().live() != 0;
            const auto next = control->virtual_time && !others ? control->timers.next() : std::nullopt;
            if (!next || (first != nullptr && *next >= earliest)) continue;
            first = loop;
            earliest = *next;
        }
        // Whether a timer of the real clock is due earlier.
        const bool limited = first != nullptr && real &&
                             *real - std::chrono::steady_clock::now() < earliest - first->control()->timers.now();
        self.paced = first != nullptr && (elsewhere || limited);
        bool due = false;
        for (run_loop* loop : loops_) {
            loop_control* const control = loop->control();
            if (control == nullptr || !control->virtual_time || held_elsewhere(*loop)) continue;
            if (self.paced)
                control->timers.pass_real_time();
            else
                control->timers.stand_still();
            due |= control->timers.due();
        }
        if (due) return true;
        if (first != nullptr && !self.paced) {
            first->control()->timers.advance_to(earliest);
            return true;
        }
    }
    return !elsewhere && !real && waits && end_deadlock(self);
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
