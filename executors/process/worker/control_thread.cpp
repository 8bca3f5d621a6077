#include "process/worker/control_thread.hpp"

#include "process/os/crash_page.hpp"

#include <cadre/detail/scheduler/run_loop.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;
using std::chrono::steady_clock;

namespace {

// How often it looks after the loop, and how long it goes on after the loop woke: so a wake of the loop costs a wake of this
// thread no more often than that.
constexpr std::chrono::milliseconds retry_waiters{5};

// Until the bell is no more what was seen.
void wait_for_bell(std::atomic<std::uint32_t>& bell, std::uint32_t seen) noexcept {
    ::syscall(SYS_futex, &bell, FUTEX_WAIT, seen, nullptr, nullptr, 0);
}
void wait_for_bell(std::atomic<std::uint32_t>& bell, std::uint32_t seen, steady_clock::duration limit) noexcept {
    const std::int64_t left = std::max<std::int64_t>(std::chrono::nanoseconds(limit).count(), 0);
    const timespec t{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    ::syscall(SYS_futex, &bell, FUTEX_WAIT, seen, &t, nullptr, 0);
}

}  // namespace

void control_thread::start(const process_plane::call_memory& memory, call_dispatcher& runner, std::atomic<bool>& quit) {
    auto& parts = memory.parts();
    std::thread([&parts, &runner, &quit] {
        const process_os::crash_handler_stack stack;
        auto& bell = parts.control.order_bell;
        process_plane::event_reader<process_plane::order_slots> orders(parts.orders, parts.control.orders_consumed);
        auto next_look = steady_clock::now() + retry_waiters;
        for (;;) {
            // The bell counts: what was published after it was read changes it, and the wait returns at once.
            const std::uint32_t seen = bell.load(std::memory_order_seq_cst);
            event e;
            while (orders.peek(e)) {
                orders.advance();
                if (e.kind == event_kind::stop)
                    runner.request_stop(e.id, static_cast<stop_reason>(e.items));
                else if (e.kind == event_kind::quit) {
                    quit.store(true, std::memory_order_seq_cst);
                    wake_loop_drivers();
                }
            }
            const auto now = steady_clock::now();
            if (now < next_look) {
                wait_for_bell(bell, seen, next_look - now);
                continue;
            }
            // A computing loop does not look whether its earlier results were heard of; one that sleeps has looked.
            runner.remind();
            if (runner.sleeps_till_rung()) wait_for_bell(bell, seen);
            next_look = steady_clock::now() + retry_waiters;
        }
    }).detach();
}

}  // namespace cadre::detail::process_worker
