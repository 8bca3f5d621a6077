/// @file
/// The known facts about a waiting coroutine, for reports of deadlocks and dumps of tasks.
#pragma once

#include <coroutine>
#include <cstdint>
#include <source_location>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/environment.hpp>

namespace cadre::detail {

struct completion;
struct stop_node;
class waits_in_progress;

/// What a coroutine waits for.
enum class wait_kind : std::uint8_t {
    event,
    sleep,
    send,
    receive,
    lock,
    permits,
    notification,
    latch,
    barrier,
    value,
    select,
    element,
    buffer,
    job,
    call,
    map,
    join,
    shared_task,
    work,
    foreign,
};

/// "a message from a channel", …
[[nodiscard]] const char* to_string(wait_kind kind) noexcept;

/// A coroutine that waits.
struct wait_note {
    std::coroutine_handle<> frame{};  ///< null: not known
    const environment* env = nullptr;
    wait_kind kind = wait_kind::event;
};

/// The function of a suspended coroutine that has not ended: the first word of its frame, on g++ as on clang.
[[nodiscard]] inline const void* resume_function(std::coroutine_handle<> frame) noexcept {
    return *static_cast<const void* const*>(frame.address());
}

/// The waits in progress of the loop that runs on this thread; null if it is not such a loop.
CADRE_THREAD_LOCAL extern waits_in_progress* this_thread_waits;

/// The origin of a task that no coroutine awaits.
struct task_origin {
    const char* role = "";  ///< "a task of the scope"
    std::source_location where{};
    const environment* env = nullptr;  ///< null: not known
};

/// Reports know the waits of `stop_node`s with the function `fire`, and the origin of tasks with the completion `done`,
/// by these functions. Called by static initialisers of the layers above. @return true
bool describe_waits(void (*fire)(), wait_note (*describe)(const stop_node&) noexcept);
bool describe_origins(void (*done)(), task_origin (*describe)(const completion&) noexcept);
/// Null for an unknown function.
[[nodiscard]] wait_note (*wait_description(void (*fire)()) noexcept)(const stop_node&) noexcept;
[[nodiscard]] task_origin (*origin_description(void (*done)()) noexcept)(const completion&) noexcept;

/// A function pointer as the key of a description.
template <class R, class... Args>
[[nodiscard]] auto description_key(R (*f)(Args...) noexcept) noexcept {
    return reinterpret_cast<void (*)()>(f);
}

}  // namespace cadre::detail
