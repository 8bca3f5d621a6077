/// @file
/// Ctrl-C while the main task runs.
#pragma once

#include <thread>

#include <csignal>

#include "base/process_owner.hpp"

#include <cadre/detail/coroutine/stop_state.hpp>

namespace cadre::detail {

/// During its lifetime the first SIGINT requests stop of `stop`, and the second ends the program with status 130. Does
/// nothing if the program handles or ignores SIGINT (as a background job does), or if another watch exists.
class interrupt_watch {
public:
    explicit interrupt_watch(stop_state& stop);
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;
    ~interrupt_watch();

private:
    void watch() noexcept;

    stop_state& stop_;
    const process_owner owner_{};
    std::thread watcher_{};
    struct sigaction before_{};
};

}  // namespace cadre::detail
