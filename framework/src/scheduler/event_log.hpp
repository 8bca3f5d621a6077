/// @file
/// The queue of events for the log handler.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include <cadre/log_handler.hpp>

namespace cadre::detail::event_log {

/// Whether a handler or a trace receives the events of this process. Two loads if not.
[[nodiscard]] bool wanted() noexcept;

using event = decltype(log_event::what);

/// Queues an event. Acquires only a leaf lock, so the caller may hold any lock of the library.
void post(std::string_view executor, event what) noexcept;
/// The same; `finish`, which may take long, completes the event on the thread of the handler.
void post(std::string_view executor, event what, std::function<void(event&)> finish) noexcept;

/// Waits until all posted events have been delivered, for `limit` at most. Returns immediately in a handler.
void flush(std::chrono::nanoseconds limit) noexcept;

/// Called in a worker process: disables events.
void disable() noexcept;

}  // namespace cadre::detail::event_log
