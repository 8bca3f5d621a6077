// The executor of kind `mpi`: calls in a worker process of one agent.

#include "executor_of_hosts.hpp"
#include "mpi/parameters.hpp"

#include <charconv>
#include <filesystem>

namespace {

// The other ranks on this host are children of the same launcher.
std::vector<std::pair<std::string, pid_t>> ranks() {
    std::vector<std::pair<std::string, pid_t>> found{{"program", ::getpid()}};
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        pid_t process = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), process).ec != std::errc()) continue;
        std::ifstream stat(entry.path() / "stat");
        std::string program;
        std::string state;
        pid_t parent = 0;
        stat >> process >> program >> state >> parent;
        if (parent == ::getppid() && process != ::getpid() && program.starts_with("(mpi_executor"))
            found.emplace_back("agent", process);
    }
    return found;
}

}  // namespace

int main(int argc, char** argv) {
    ::setenv("CADRE_EXECUTOR", "mpi:1,nodes=1,local=false", 1);
    mpi_bench::start_jobs();
    cadre::runtime rt(argc, argv);
    return rt.run(hosts_bench::measure(rt.executor(), mpi_bench::case_name, ranks()));
}
