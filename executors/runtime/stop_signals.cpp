#include "runtime/stop_signals.hpp"

#include "base/bar_terminal.hpp"
#include "base/doorbell.hpp"
#include "base/signals_blocked.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

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

// When a program that goes on after the first signal says why, and in how many lines.
constexpr std::chrono::seconds notice_delay{3};
constexpr std::size_t notice_lines = 10;

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

// Prints in one piece: other output does not come between the lines. `heading`: empty, or a line. @param max_lines of
// the list of tasks; 0: all
void print_tasks(std::string heading, std::size_t max_lines) noexcept {
    try {
        std::ostringstream out;
        dump_tasks(out);
        std::string tasks = std::move(out).str();
        std::size_t end = 0;
        for (std::size_t lines = 0; lines != max_lines && end != std::string::npos; ++lines)
            end = tasks.find('\n', end == 0 ? 0 : end + 1);
        if (max_lines != 0 && end != std::string::npos && end + 1 != tasks.size()) {
            tasks.resize(end + 1);
            tasks += "  … (SIGUSR1 prints all)\n";
        }
        std::fputs((heading + tasks).c_str(), stderr);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre: the tasks cannot be listed: %s\n", e.what());
    }
    std::fflush(stderr);
}

// A task that does not end although its stop was requested: the user of the program learns why nothing happens.
void print_unfinished(int signal) noexcept {
    const std::string name = signal == SIGINT ? "SIGINT" : "SIGTERM";
    print_tasks("cadre: " + name + " has requested a stop, and the program has not ended yet; " + name +
                    " again ends it at once. Unfinished:\n",
                notice_lines);
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
    std::optional<std::chrono::steady_clock::time_point> notice_at;
    bool stop_requested = false;
    for (;;) {
        doorbell::wait(bell().descriptor(), notice_at);
        if (finished.load()) return;
        if (const unsigned wanted = dumps.exchange(0); wanted != 0) {
            print_tasks({}, 0);
            if ((wanted & dump_and_quit) != 0) {
                release_bar_terminal();
                set_handler(SIGQUIT, SIG_DFL);
                ::kill(::getpid(), SIGQUIT);
            }
        }
        const int signal = first.load();
        if (signal == 0) continue;
        if (!std::exchange(stop_requested, true)) {
            stop_.request_stop();
            notice_at = std::chrono::steady_clock::now() + notice_delay;
        } else if (notice_at && std::chrono::steady_clock::now() >= *notice_at) {
            notice_at.reset();
            print_unfinished(signal);
        }
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
