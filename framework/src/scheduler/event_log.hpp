/// @file
/// The events of this process on their way to the log handler.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include <cadre/log_handler.hpp>

namespace cadre::detail::event_log {

/// Whether a handler or a trace gets the events of this process. Two loads if not.
[[nodiscard]] bool wanted() noexcept;

using event = decltype(log_event::what);

/// Queues an event. Takes a leaf lock only, so that the caller may hold any lock of the library.
void post(std::string_view executor, event what) noexcept;
/// The same; `finish` completes the event on the handler's thread, which may take long.
void post(std::string_view executor, event what, std::function<void(event&)> finish) noexcept;

/// Waits until what was posted has been delivered, at most until `limit` has passed. Returns at once in a handler.
void flush(std::chrono::nanoseconds limit) noexcept;

/// In a worker process: there are no events from now on.
void disable() noexcept;

}  // namespace cadre::detail::event_log
