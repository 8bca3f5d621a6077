/// @file
/// Threads of the library receive no signals: they start while all signals are blocked.
#pragma once

#include <csignal>

namespace cadre::detail {

/// Blocks all signals of the calling thread for its lifetime. A thread that starts meanwhile inherits the mask, so the
/// signal handlers of the program never run on it.
class signals_blocked {
public:
    signals_blocked() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace cadre::detail
