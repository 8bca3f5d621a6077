#include "config/interrupt.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace cadre::detail {
namespace {

constexpr std::uint64_t interrupted = 1;
constexpr std::uint64_t finished = std::uint64_t{1} << 32;  // told apart when both are added up

std::atomic<bool> watching{false};
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);

// Never closed: a handler may still be about to write when the watch ends.
int event_fd() {
    static const int fd = ::eventfd(0, EFD_CLOEXEC);
    return fd;
}
std::atomic<int> handler_fd{-1};

void tell(int fd, std::uint64_t what) noexcept {
    const ssize_t written = ::write(fd, &what, sizeof what);
    static_cast<void>(written);  // eight bytes into an eventfd far from its limit
}

// Async-signal-safe: atomics, write and _exit only. Stopping takes a lock, so the watcher does that.
extern "C" void cadre_on_interrupt(int) {
    const int saved = errno;
    if (interrupts.fetch_add(1) == 0) {
        tell(handler_fd.load(), interrupted);
    } else {
        ::_exit(130);
    }
    errno = saved;
}

// The watcher must not be the thread that a signal meant for the program lands on.
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
    if (!has_default_action() || event_fd() < 0 || watching.exchange(true)) {
        return;
    }
    interrupts.store(0);
    handler_fd.store(event_fd());
    try {
        const all_signals_blocked blocked;
        watcher_ = std::thread([this] { watch(); });
    } catch (const std::system_error&) {
        watching.store(false);  // no thread to be had: Ctrl-C keeps its default action
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
    tell(event_fd(), finished);
    watcher_.join();
    watching.store(false);
}

void interrupt_watch::watch() noexcept {
    for (;;) {
        std::uint64_t what = 0;
        if (::read(event_fd(), &what, sizeof what) != sizeof what) {
            continue;
        }
        if (what >= finished) {
            return;
        }
        stop_.request_stop();
    }
}

}  // namespace cadre::detail
