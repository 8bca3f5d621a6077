/// @file
/// The live tasks of this process, for dumps and for reports of deadlocks.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include <sys/types.h>

#include "task_chain.hpp"

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

class stop_state;

/// A main task, a call or a job, with the waits of all its coroutines.
struct live_task {
    std::uint64_t id = 0;
    std::uint64_t starter = 0;  ///< the task that has started it; 0: none
    std::string name{};  ///< as given
    std::string function{};  ///< of a task without a name
    std::string executor{};
    bool remote = false;  ///< it runs in another process
    bool running = false;  ///< known to run now
    std::source_location where{};
    std::vector<described_wait> waits{};
};

/// The tasks of an executor and the waits of their coroutines, as far as they listen to stop requests. Any thread.
[[nodiscard]] std::vector<live_task> tasks_of(executor_backend& backend);

/// The waits of coroutines that listen to `stop` or to a state below it.
void add_waits(stop_state& stop, std::vector<described_wait>& to);

/// One paragraph for each task, below that of the task that started it; sorted by id. `indent` is the number of blanks
/// at its left. Ids of tasks that were made in another process than `program` are printed with its pid.
[[nodiscard]] std::string print_tree(std::vector<live_task> tasks, std::size_t indent, pid_t program);

}  // namespace cadre::detail
