#include "process/worker/control_thread.hpp"

#include "process/os/crash_page.hpp"

#include <cadre/detail/scheduler/run_loop.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <system_error>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;
using std::chrono::steady_clock;

namespace {

// The interval at which the thread checks for results that the parent has not read, and the shortest time that it stays
// awake after the loop woke. So the loop wakes this thread at most once per interval.
constexpr std::chrono::milliseconds check_interval{5};

// How often it checks the descriptors of the worker.
constexpr std::chrono::seconds descriptor_interval{1};

// Returns when the bell differs from `seen`, or after `limit`.
void wait_for_bell(std::atomic<std::uint32_t>& bell, std::uint32_t seen, steady_clock::duration limit) noexcept {
    const std::int64_t left = std::max<std::int64_t>(std::chrono::nanoseconds(limit).count(), 0);
    const timespec t{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    ::syscall(SYS_futex, &bell, FUTEX_WAIT, seen, &t, nullptr, 0);
}

}  // namespace

void control_thread::start(const process_plane::call_memory& memory, call_dispatcher& dispatcher,
                           const descriptor_check& descriptors, std::atomic<bool>& quit) {
    auto& parts = memory.parts();
    const auto run = [&parts, &dispatcher, &descriptors, &quit] {
        const process_os::crash_handler_stack stack;
        auto& bell = parts.control.command_bell;
        process_plane::event_reader<process_plane::command_slots> commands(parts.commands,
                                                                           parts.control.commands_consumed);
        auto next_check = steady_clock::now() + check_interval;
        auto next_descriptor_check = steady_clock::now() + descriptor_interval;
        for (;;) {
            // The bell counts: a command that is published after this load changes it, so the wait returns at once.
            const std::uint32_t seen = bell.load(std::memory_order_seq_cst);
            event e;
            while (commands.peek(e)) {
                commands.advance();
                if (e.kind == event_kind::stop)
                    dispatcher.request_stop(e.id, static_cast<stop_reason>(e.items));
                else if (e.kind == event_kind::dump)
                    dispatcher.send_tasks(e.id, static_cast<pid_t>(e.items));
                else if (e.kind == event_kind::quit) {
                    quit.store(true, std::memory_order_seq_cst);
                    wake_loop_drivers();
                }
            }
            const auto now = steady_clock::now();
            if (now >= next_descriptor_check) {
                descriptors.run();
                next_descriptor_check = now + descriptor_interval;
            }
            if (now < next_check) {
                wait_for_bell(bell, seen, next_check - now);
                continue;
            }
            // A computing loop does not check whether the parent has read its results; one that sleeps has checked.
            dispatcher.remind();
            if (dispatcher.sleeps_until_rung()) wait_for_bell(bell, seen, next_descriptor_check - now);
            next_check = steady_clock::now() + check_interval;
        }
    };
    try {
        std::thread(run).detach();
    } catch (const std::system_error& e) {
        throw std::system_error(e.code(), "starting its control thread");
    }
}

}  // namespace cadre::detail::process_worker
