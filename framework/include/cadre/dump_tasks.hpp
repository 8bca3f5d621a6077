/// @file
/// `dump_tasks`: what every live task of the program waits for.
///
///     cadre::dump_tasks(std::cerr);
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace cadre {

/// Prints the tree of live tasks of this process and of its worker processes: name, id, state, what each waits for,
/// where it was started. A worker that does not answer within a second is named as such.
///
/// A snapshot: tasks run on meanwhile. Thread-safe; not async-signal-safe. Not in a task of a loop that holds a lock of
/// `out`. A waiting task is found by the stop requests that it listens to, so tasks under `shield` are not listed.
/// Names of functions come from the symbol table of the program. Cost: linear in the number of waiting tasks, plus the
/// reading of the symbol table for each new function.
void dump_tasks(std::ostream& out);

namespace detail {

/// Extension of a backend (`executor_backend::query`) whose tasks are in other processes.
class remote_tasks {
public:
    virtual ~remote_tasks() = default;
    /// The dumps of the other processes, of those that answer within `limit`; the others are named.
    [[nodiscard]] virtual std::string dump(std::chrono::nanoseconds limit) = 0;
};

}  // namespace detail
}  // namespace cadre
