#include "config/interrupt.hpp"

#include "base/doorbell.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace cadre::detail {
namespace {

// Shared by handler, watcher and interrupt_watch, all with the default order:
//
// | word       | set by                                          | to                             |
// | ---------- | ----------------------------------------------- | ------------------------------ |
// | watching   | constructor; destructor or failed constructor   | true; false: only one watch    |
// | interrupts | constructor; handler                            | 0; +1 for each SIGINT          |
// | finished   | constructor; destructor                         | false; true: the watcher ends  |
// | handler_fd | constructor, before it installs the handler     | the doorbell, never changed    |
std::atomic<bool> watching{false};
std::atomic<int> interrupts{0};
std::atomic<bool> finished{false};
static_assert(std::atomic<int>::is_always_lock_free);

// Wakes the watcher. Never closed: a handler may still be about to ring when the watch ends.
const doorbell& bell() {
    static const doorbell* const own = new doorbell;
    return *own;
}
std::atomic<int> handler_fd{-1};
std::atomic<const process_owner*> handler_owner{nullptr};

// Async-signal-safe: atomics, write and _exit only. A stop request takes a lock, so the watcher makes it.
extern "C" void cadre_on_interrupt(int) {
    const int saved = errno;
    if (!handler_owner.load()->here()) {
        ::_exit(130);  // a fork has no watcher
    }
    if (interrupts.fetch_add(1) == 0) {
        doorbell::ring(handler_fd.load());
    } else {
        ::_exit(130);
    }
    errno = saved;
}

// The watcher must not receive signals that are meant for the program.
class all_signals_blocked {
public:
    all_signals_blocked() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    all_signals_blocked(const all_signals_blocked&) = delete;
    all_signals_blocked& operator=(const all_signals_blocked&) = delete;

private:
    sigset_t before_{};
};

bool has_default_action() noexcept {
    struct sigaction now{};
    return ::sigaction(SIGINT, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

}  // namespace

interrupt_watch::interrupt_watch(stop_state& stop) : stop_(stop) {
    if (!has_default_action() || watching.exchange(true)) {
        return;
    }
    interrupts.store(0);
    finished.store(false);
    try {
        handler_fd.store(bell().descriptor());
        if (handler_owner.load() == nullptr || !handler_owner.load()->here()) {
            handler_owner.store(new process_owner(owner_));  // never destroyed, as the doorbell
        }
        const all_signals_blocked blocked;
        watcher_ = std::thread([this] { watch(); });
    } catch (const std::system_error&) {
        watching.store(false);  // no thread or descriptor is left: Ctrl-C keeps its default action
        return;
    }
    struct sigaction action{};
    action.sa_handler = cadre_on_interrupt;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &before_);
}

interrupt_watch::~interrupt_watch() {
    if (!watcher_.joinable()) {
        return;
    }
    ::sigaction(SIGINT, &before_, nullptr);
    if (!owner_.here()) {
        watcher_.detach();  // a fork: the thread is its parent's
        return;
    }
    finished.store(true);
    bell().ring();
    watcher_.join();
    watching.store(false);
}

void interrupt_watch::watch() noexcept {
    for (;;) {
        doorbell::wait(bell().descriptor());
        if (finished.load()) {
            return;
        }
        if (interrupts.load() > 0) {
            stop_.request_stop();
        }
    }
}

}  // namespace cadre::detail
