/// @file
/// Helper threads that sleep in reactors for a driver, which can sleep in one only.
#pragma once

#include <memory>
#include <vector>

#include <cadre/detail/scheduler/reactor.hpp>

namespace cadre::detail {

/// The helpers of one driver. A helper runs at most one handler, then it wakes the driver. It does not resume tasks but
/// posts them to their home.
class reactor_watch {
public:
    reactor_watch() noexcept;
    reactor_watch(const reactor_watch&) = delete;
    reactor_watch& operator=(const reactor_watch&) = delete;
    ~reactor_watch();

    /// Lets a helper sleep in `where`. No other thread takes a lease of it until `recall`.
    void send(reactor& where);
    /// Ends the sleep of all helpers and waits until they have left their reactors.
    void recall() noexcept;

private:
    class helper;
    std::vector<std::unique_ptr<helper>> helpers_;
    std::size_t sent_ = 0;
};

}  // namespace cadre::detail
