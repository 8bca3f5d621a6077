/// @file
/// Helper threads that sleep in reactors for a driver that can sleep in one only.
#pragma once

#include <memory>
#include <vector>

#include <cadre/detail/scheduler/reactor.hpp>

namespace cadre::detail {

/// For one driver. A helper runs at most one handler, then it wakes the driver. Tasks are not resumed by a helper: they are
/// posted home.
class reactor_watch {
public:
    reactor_watch() noexcept;
    reactor_watch(const reactor_watch&) = delete;
    reactor_watch& operator=(const reactor_watch&) = delete;
    ~reactor_watch();

    /// A helper sleeps in `where` from now on. Nobody else visits it until `recall`.
    void send(reactor& where);
    /// All helpers are out of their reactors when this returns.
    void recall() noexcept;

private:
    class helper;
    std::vector<std::unique_ptr<helper>> helpers_;
    std::size_t sent_ = 0;
};

}  // namespace cadre::detail
