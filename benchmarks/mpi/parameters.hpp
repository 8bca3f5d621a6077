/// @file
/// The cases of the MPI problem: the cost of a message between two ranks, with and without the link. Each contender
/// starts itself under the mpirun of every library that is installed, with two ranks.
#pragma once

#include "measure.hpp"

#include "mpi/mpi_launch.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace mpi_bench {

inline constexpr std::size_t small = 64;
inline constexpr std::size_t large = std::size_t{64} << 20;
inline constexpr int in_flight = 256;

inline const int round_trips = bench::scaled(50'000, 500);
inline const int messages = bench::scaled(500'000, 5'000);
inline const int large_bodies = bench::scaled(8, 2);

/// The name of a case: the library, and what is measured.
inline std::string case_name(const char* what) {
    return std::string(std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr ? "Open MPI, " : "MPICH, ") + what;
}

inline void report_round_trips(std::vector<double>& microseconds) {
    bench::report(case_name("hot round trip"), bench::quantile(microseconds, 0.5), "us");
}
inline void report_messages(double seconds) {
    bench::report(case_name("answered messages, 256 in flight"), messages / seconds, "1/s");
}
inline void report_large(double seconds) {
    bench::report(case_name("64 MiB bodies"), static_cast<double>(large) * large_bodies / seconds / 1e6, "MB/s");
}

/// Runs this program by the launcher, if there is one.
inline void run_under(const std::vector<const char*>& launcher) {
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<char*> arguments;
        for (const char* word : launcher)
            arguments.push_back(const_cast<char*>(word));
        static std::array<char, 4096> self{};
        if (::readlink("/proc/self/exe", self.data(), self.size() - 1) < 0) ::_exit(1);
        arguments.push_back(self.data());
        arguments.push_back(nullptr);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);  // not installed
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 127)) std::exit(1);
}

/// Returns in the processes of a job; else runs the jobs and ends.
inline void start_jobs() {
    if (cadre::detail::mpi::mpi_rank_of_launcher() >= 0) return;
    run_under({"mpirun.openmpi", "--oversubscribe", "--allow-run-as-root", "-n", "2"});
    run_under({"mpirun.mpich", "-n", "2"});
    std::_Exit(0);
}

}  // namespace mpi_bench
