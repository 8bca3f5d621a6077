/// @file
/// Passes stop requests on to other stop states of the same tree.
#pragma once

#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/deferred_action.hpp>

namespace cadre::detail {

/// While it lives, a stop request to `stop` (may be null) calls `action(context, reason)` on the timers' thread, again
/// for a stronger reason: stop nodes fire with the lock of their tree held, and the action may need that lock. The
/// destructor waits for a running action.
class stop_forwarder {
public:
    stop_forwarder(stop_state* stop, deferred_action::function action, void* context) noexcept;
    stop_forwarder(const stop_forwarder&) = delete;
    stop_forwarder& operator=(const stop_forwarder&) = delete;
    ~stop_forwarder();

    [[nodiscard]] bool stop_requested() const noexcept { return stop_ != nullptr && stop_->stop_requested(); }

private:
    struct node : stop_node {
        stop_forwarder* self = nullptr;
    };
    stop_state* stop_;
    deferred_action::function action_;
    void* context_;
    node node_;
    deferred_action deferred_;
};

}  // namespace cadre::detail
