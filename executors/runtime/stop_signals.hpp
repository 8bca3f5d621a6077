/// @file
/// Signals while the main task runs: Ctrl-C (SIGINT) and SIGTERM request its stop; SIGUSR1 and Ctrl-\ (SIGQUIT) print
/// the tasks. Worker processes ignore SIGINT: a terminal sends it to them, too.
#pragma once

#include <array>
#include <thread>

#include <csignal>

#include "base/process_owner.hpp"

#include <cadre/detail/coroutine/stop_state.hpp>

namespace cadre::detail {

/// During its lifetime the first SIGINT or SIGTERM requests stop of `stop`, and the second one ends the program with
/// status 128 + its number. Standard error says what has not ended three seconds after the first. SIGUSR1 prints
/// `dump_tasks` to standard error, and so does SIGQUIT, which then has its default effect. Signals that the program
/// handles or ignores (as a background job does) keep their action. No effect if another watch exists.
class stop_signal_watch {
public:
    explicit stop_signal_watch(stop_state& stop);
    stop_signal_watch(const stop_signal_watch&) = delete;
    stop_signal_watch& operator=(const stop_signal_watch&) = delete;
    ~stop_signal_watch();

    /// The signal that requested stop; 0 if none has.
    [[nodiscard]] int received() const noexcept;

private:
    static constexpr std::array signals{SIGINT, SIGTERM, SIGUSR1, SIGQUIT};

    void watch() noexcept;

    stop_state& stop_;
    const process_owner owner_{};
    std::thread watcher_{};
    std::array<bool, signals.size()> handled_{};  // by signal: whether the handler of this watch is installed
};

/// Flushes the standard streams and ends the program by `signal`, as if it had not been handled.
[[noreturn]] void end_by_signal(int signal) noexcept;

}  // namespace cadre::detail
