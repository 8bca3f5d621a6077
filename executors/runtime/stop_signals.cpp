#include "runtime/stop_signals.hpp"

#include "base/bar_terminal.hpp"
#include "base/doorbell.hpp"
#include "base/signals_blocked.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <system_error>

#include <cadre/dump_tasks.hpp>

namespace cadre::detail {
namespace {

// Shared by handler, watcher and stop_signal_watch, all with the default order:
//
// | word       | set by                                          | to                             |
// | ---------- | ----------------------------------------------- | ------------------------------ |
// | watching   | constructor; destructor or failed constructor   | true; false: only one watch    |
// | first      | constructor; handler                            | 0; the first signal            |
// | finished   | constructor; destructor                         | false; true: the watcher ends  |
// | dumps      | constructor; handler; watcher                   | 0; its bit; 0: taken           |
// | handler_fd | constructor, before it installs the handler     | the doorbell, never changed    |
std::atomic<bool> watching{false};
std::atomic<int> first{0};
std::atomic<bool> finished{false};
std::atomic<unsigned> dumps{0};
constexpr unsigned dump_only = 1;
constexpr unsigned dump_and_quit = 2;
static_assert(std::atomic<int>::is_always_lock_free);

// Wakes the watcher. Never closed: a handler may still be about to ring when the watch ends.
const doorbell& bell() {
    static const doorbell* const own = new doorbell;
    return *own;
}
std::atomic<int> handler_fd{-1};
std::atomic<const process_owner*> handler_owner{nullptr};

int shell_status(int signal) noexcept { return 128 + signal; }

// Async-signal-safe: atomics, getpid, write and _exit only. A stop request takes a lock, so the watcher makes it.
extern "C" void cadre_on_stop_signal(int signal) {
    const int saved = errno;
    if (!handler_owner.load()->here()) ::_exit(shell_status(signal));  // a fork has no watcher
    if (signal == SIGUSR1 || signal == SIGQUIT) {
        dumps.fetch_or(signal == SIGQUIT ? dump_and_quit : dump_only);
        doorbell::ring(handler_fd.load());
        errno = saved;
        return;
    }
    int none = 0;
    if (!first.compare_exchange_strong(none, signal)) {
        release_bar_terminal();
        ::_exit(shell_status(signal));
    }
    doorbell::ring(handler_fd.load());
    errno = saved;
}

bool has_default_action(int signal) noexcept {
    struct sigaction now{};
    return ::sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

void set_handler(int signal, void (*handler)(int)) noexcept {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
}

// In one piece: other output does not come between its lines.
void print_tasks() noexcept {
    try {
        std::ostringstream text;
        dump_tasks(text);
        std::fputs(text.str().c_str(), stderr);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre: the tasks cannot be listed: %s\n", e.what());
    }
    std::fflush(stderr);
}

}  // namespace

stop_signal_watch::stop_signal_watch(stop_state& stop) : stop_(stop) {
    for (std::size_t i = 0; i < signals.size(); ++i)
        handled_[i] = has_default_action(signals[i]);
    if (handled_ == decltype(handled_){} || watching.exchange(true)) return;
    first.store(0);
    finished.store(false);
    dumps.store(0);
    try {
        handler_fd.store(bell().descriptor());
        if (handler_owner.load() == nullptr || !handler_owner.load()->here())
            handler_owner.store(new process_owner(owner_));  // never destroyed, as the doorbell
        const signals_blocked blocked;
        watcher_ = std::thread([this] { watch(); });
    } catch (const std::system_error&) {
        watching.store(false);  // no thread or descriptor is left: the signals keep their default action
        return;
    }
    for (std::size_t i = 0; i < signals.size(); ++i)
        if (handled_[i]) set_handler(signals[i], cadre_on_stop_signal);
}

stop_signal_watch::~stop_signal_watch() {
    if (!watcher_.joinable()) return;
    for (std::size_t i = 0; i < signals.size(); ++i)
        if (handled_[i]) set_handler(signals[i], SIG_DFL);
    if (!owner_.here()) {
        watcher_.detach();  // a fork: the thread is its parent's
        return;
    }
    finished.store(true);
    bell().ring();
    watcher_.join();
    watching.store(false);
}

int stop_signal_watch::received() const noexcept { return watcher_.joinable() ? first.load() : 0; }

void stop_signal_watch::watch() noexcept {
    for (;;) {
        doorbell::wait(bell().descriptor());
        if (finished.load()) return;
        if (const unsigned wanted = dumps.exchange(0); wanted != 0) {
            print_tasks();
            if ((wanted & dump_and_quit) != 0) {
                release_bar_terminal();
                set_handler(SIGQUIT, SIG_DFL);
                ::kill(::getpid(), SIGQUIT);
            }
        }
        if (first.load() != 0) stop_.request_stop();
    }
}

void end_by_signal(int signal) noexcept {
    std::cout.flush();
    std::fflush(nullptr);
    release_bar_terminal();
    set_handler(signal, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    ::raise(signal);
    ::_exit(shell_status(signal));  // only if a tracer suppressed the signal
}

}  // namespace cadre::detail
