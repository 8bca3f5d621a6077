#include "processes.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre::soak {
namespace {

constexpr const char* variable = "CADRE_SOAK";

std::string read_file(const std::filesystem::path& path) {
    // A process may end meanwhile: then the read fails, and the stream operator does not throw.
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

bool has_mark(const std::string& environment, const std::string& mark) {
    return environment.starts_with(mark + '\0') || environment.find('\0' + mark + '\0') != std::string::npos;
}

}  // namespace

std::optional<int> run_marked(char** argv) {
    if (std::getenv(variable) != nullptr) return std::nullopt;
    const pid_t child = ::fork();
    if (child == 0) {
        ::setenv(variable, std::to_string(::getpid()).c_str(), 1);
        ::execv(std::filesystem::read_symlink("/proc/self/exe").c_str(), argv);
        std::perror("execv");
        ::_exit(2);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!processes_of(child).empty() && std::chrono::steady_clock::now() < limit)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto left = processes_of(child);
    for (const process& p : left) {
        std::cout << "FAULT: " << (p.worker ? "a worker" : "a fork server") << " outlives its program: " << p.pid
                  << ", state " << p.state << std::endl;
        ::kill(p.pid, SIGKILL);
    }
    if (WIFSIGNALED(status)) std::cout << "FAULT: the program ended by signal " << WTERMSIG(status) << std::endl;
    return !WIFEXITED(status) ? 4 : left.empty() ? WEXITSTATUS(status) : 5;
}

std::vector<process> processes_of(pid_t program) {
    std::vector<process> found;
    const std::string mark = std::string(variable) + '=' + std::to_string(program);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const pid_t pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0 || pid == program) continue;
        const std::string environment = read_file(entry.path() / "environ");
        if (!has_mark(environment, mark)) continue;
        const std::string stat = read_file(entry.path() / "stat");
        const std::size_t name_end = stat.rfind(')');
        if (name_end == std::string::npos) continue;
        process p{pid, false, 0};
        int parent = 0;
        int group = 0;
        int session = 0;
        if (std::sscanf(stat.c_str() + name_end + 1, " %c %d %d %d", &p.state, &parent, &group, &session) != 4)
            continue;
        const bool server = stat.substr(0, name_end).find("fork") != std::string::npos ||
                            environment.find("CADRE_PROCESS_ROLE=server") != std::string::npos;
        p.worker = session != pid || !server;
        found.push_back(p);
    }
    return found;
}

std::vector<process> other_processes() { return processes_of(::getpid()); }

int open_descriptors() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        static_cast<void>(entry);
        ++count;
    }
    return count - 1;  // that of the iteration
}

long private_memory() {
    std::istringstream lines(read_file("/proc/self/status"));
    std::string line;
    long kib = 0;
    while (std::getline(lines, line))
        if (std::sscanf(line.c_str(), "RssAnon: %ld", &kib) == 1) break;
    return kib;
}

void print_waits() {
    // For the debugger, which is no part of this program.
    ::unsetenv("LD_PRELOAD");
    ::unsetenv(variable);
    auto all = other_processes();
    all.push_back({::getpid(), false, 'R'});
    for (const process& p : all) {
        const std::string folder = "/proc/" + std::to_string(p.pid);
        std::cout << "process " << p.pid << ' ' << read_file(folder + "/comm");
        std::error_code ignored;
        for (const auto& thread : std::filesystem::directory_iterator(folder + "/task", ignored))
            std::cout << "  thread " << thread.path().filename().string() << " system call "
                      << read_file(thread.path() / "syscall") << "    waits in " << read_file(thread.path() / "wchan")
                      << '\n';
        std::cout.flush();
        const std::string gdb = "command -v gdb >/dev/null && timeout 60 gdb -q -batch -p " + std::to_string(p.pid) +
                                " -ex 'thread apply all backtrace 30' 2>&1";
        if (std::system(gdb.c_str()) != 0) std::cout << "  (no stacks)\n";
    }
}

}  // namespace cadre::soak
