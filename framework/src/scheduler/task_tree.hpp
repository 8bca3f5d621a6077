/// @file
/// The live tasks of this process, for dumps and for reports of deadlocks.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include "task_chain.hpp"

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// A main task, a call or a job, with the waits of all its coroutines.
struct live_task {
    std::uint64_t id = 0;
    std::uint64_t starter = 0;  ///< the task that has started it; 0: none
    std::string name{};
    std::string executor{};
    bool remote = false;  ///< it runs in another process
    std::source_location where{};
    std::vector<described_wait> waits{};
};

/// The tasks of an executor and the waits of their coroutines, as far as they listen to stop requests. Any thread.
[[nodiscard]] std::vector<live_task> tasks_of(executor_backend& backend);

/// One paragraph a task, which stands below its starter; sorted by id. `indent` is the number of blanks at its left.
[[nodiscard]] std::string print_tree(std::vector<live_task> tasks, std::size_t indent);

}  // namespace cadre::detail
