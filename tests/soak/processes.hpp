/// @file
/// The processes of the program under test, found by a word in their environment, and what remains of it at its end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cadre::soak {

/// Executes the program again in a child that has its own process id in `CADRE_SOAK`, which its forks and executions
/// inherit; waits for its end, and checks that none of them outlives it. @return the exit status; empty in that child
/// and below
[[nodiscard]] std::optional<int> run_marked(char** argv);

struct process {
    pid_t pid;
    bool worker;  ///< not a fork server, which leads a session and says so in its name
    char state;  ///< of /proc/PID/stat
};
/// All processes that belong to the program `pid` but itself.
[[nodiscard]] std::vector<process> processes_of(pid_t pid);
[[nodiscard]] std::vector<process> other_processes();  ///< of this program

[[nodiscard]] int open_descriptors();
/// Resident private memory of this process, in KiB.
[[nodiscard]] long private_memory();

/// Prints, for each process of this program and each of its threads, where it waits; with gdb, where that is installed.
void print_waits();

}  // namespace cadre::soak
