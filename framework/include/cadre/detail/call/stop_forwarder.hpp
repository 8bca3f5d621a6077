/// @file
/// Passes stop requests, with their reasons, on to other stop states.
#pragma once

#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/deferred_action.hpp>

namespace cadre::detail {

/// While it lives, a stop request to `stop` (may be null) calls `action(context, reason)`, and a later request for a stronger
/// reason calls it once more. On the timers' thread: stop nodes fire with the lock of their tree held, and the action may need
/// that lock. The destructor waits for a running action.
class stop_forwarder {
public:
    using action_function = void (*)(void* context, stop_reason why) noexcept;

    stop_forwarder(stop_state* stop, action_function action, void* context) noexcept;
    stop_forwarder(const stop_forwarder&) = delete;
    stop_forwarder& operator=(const stop_forwarder&) = delete;
    ~stop_forwarder();

    [[nodiscard]] bool stop_requested() const noexcept { return stop_ != nullptr && stop_->stop_requested(); }

private:
    struct node : stop_node {
        stop_forwarder* self = nullptr;
    };
    static void forward(void* self) noexcept;

    stop_state* stop_;
    action_function action_;
    void* context_;
    node node_;
    deferred_action requested_;
    deferred_action stronger_;
};

}  // namespace cadre::detail
