#include "process/worker/control_thread.hpp"

#include "process/os/crash_page.hpp"

#include <cadre/detail/run_loop.hpp>

#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;

void control_thread::start(const process_plane::call_memory& memory, call_runner& runner, std::atomic<bool>& quit) {
    auto& parts = memory.parts();
    std::thread([&parts, &runner, &quit] {
        const process_os::crash_handler_stack stack;
        auto& bell = parts.control.order_bell;
        process_plane::event_reader<process_plane::order_slots> orders(parts.orders, parts.control.orders_consumed);
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
                    wake_drivers();
                }
            }
            ::syscall(SYS_futex, &bell, FUTEX_WAIT, seen, nullptr, nullptr, 0);
        }
    }).detach();
}

}  // namespace cadre::detail::process_worker
