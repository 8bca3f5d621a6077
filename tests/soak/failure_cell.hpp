/// @file
/// One cell of the table in docs/errors.md: what a call ends with when something happens at a certain moment.
#pragma once

#include <cadre/task.hpp>

#include <array>
#include <string>
#include <string_view>

namespace cadre::soak {

/// What the call is doing then: the columns.
enum class moment { waits, runs, suspended, beside, item };
inline constexpr std::array<std::string_view, 5> moment_names{
    "the call waits behind another", "it runs", "it is suspended", "it is suspended and another task runs",
    "an item of its `map` runs"};

/// What happens: the rows.
enum class incident {
    killed,
    crash,
    exit,
    exception,
    memory,
    stopped,
    task_timeout,
    own_limit,
    stop_request,
    kill_request,
    shutdown,
    server_killed,
    no_descriptor,
};
inline constexpr std::array<std::string_view, 13> incident_names{
    "the worker is killed from outside",
    "the running task crashes",
    "the running task calls `_exit`",
    "the running task throws",
    "the running task exceeds `memory_limit`",
    "the worker is stopped (`SIGSTOP`)",
    "`task_timeout` passes",
    "the call's own limit passes",
    "stop of the call is requested",
    "`job.kill()`",
    "the deadline of `shutdown` passes",
    "the fork server is killed",
    "the worker is killed and no descriptor is free",
};

/// Whether other cells must not run at the same time.
[[nodiscard]] constexpr bool exclusive(incident what) {
    return what == incident::server_killed || what == incident::no_descriptor;
}

/// Produces the situation on a new executor. @return how the call ended, in the words of the table
[[nodiscard]] task<std::string> end_of_call(incident what, moment when);

}  // namespace cadre::soak
