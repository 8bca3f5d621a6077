/// @file
/// What a waiting coroutine waits for, the coroutines that await it, and where their task was started.
#pragma once

#include <coroutine>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include <cadre/detail/coroutine/wait_note.hpp>

namespace cadre::detail {

/// A wait as reports show it. It refers to nothing that the waiting task owns.
struct described_wait {
    const void* frame = nullptr;  ///< which wait it is
    std::uint64_t task = 0;  ///< the id of the task
    wait_kind kind = wait_kind::event;
    std::vector<const void*> functions{};  ///< of the coroutines, the waiting one first
    const char* role = "";  ///< of the outermost coroutine: "a task of the scope made"; empty: it is the task itself
    std::source_location where{};  ///< of the role
};

/// Walks from a waiting coroutine to the end of its task. The coroutine must not resume meanwhile.
class task_chain {
public:
    [[nodiscard]] static described_wait describe(const wait_note& note);

private:
    static void walk(std::coroutine_handle<> frame, const environment* env, described_wait& to);
};

/// The name of a coroutine by its `resume_function`; empty if it is one of this library.
[[nodiscard]] std::string program_coroutine_name(const void* function);

/// "waits for a lock, in transfer(int), awaited by app()"
[[nodiscard]] std::string to_text(const described_wait& wait);
/// " at app.cpp:12 in 'int main()'"; empty for a place that is not known.
[[nodiscard]] std::string to_text(const std::source_location& where);

}  // namespace cadre::detail
