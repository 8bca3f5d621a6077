// What a worker takes over from the program at the moment of its start, and what ps shows of it.

#include "executors/temporary_folder.hpp"
#include "support.hpp"

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
namespace fs = std::filesystem;

std::vector<long> where() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return {static_cast<long>(mask),        static_cast<long>(files.rlim_cur), static_cast<long>(core.rlim_cur),
            ::getpriority(PRIO_PROCESS, 0), static_cast<long>(::geteuid()),    static_cast<long>(::getuid()),
            static_cast<long>(::getegid()), ::getgroups(0, nullptr),           ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)};
}

std::string working_directory() { return fs::current_path().string(); }

/// In a child of the test, because much of it cannot be undone.
int change_everything(cadre::start_method start, const fs::path& folder) {
    fs::current_path(folder);
    ::umask(027);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = 700;
    ::setrlimit(RLIMIT_NOFILE, &files);
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = core.rlim_max = 0;
    ::setrlimit(RLIMIT_CORE, &core);
    if (::setpriority(PRIO_PROCESS, 0, 5) != 0) return 2;
    int failed = 0;
    {
        const executor ex = process_executor{{.workers = 1, .start = start}};
        if (cadre::sync_wait(cadre::on(ex, working_directory)) != folder.string()) failed |= 4;
        if (cadre::sync_wait(cadre::on(ex, where)) != where()) failed |= 8;
    }
    const gid_t group = 12345;
    if (::geteuid() == 0) {
        // The program itself loses the right to look at its own /proc.
        const bool changed = ::setgroups(1, &group) == 0 && ::setresgid(65534, 65534, 65534) == 0 &&
                             ::setresuid(65534, 65534, 65534) == 0 && ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
        if (!changed) return 16;
        const executor ex = process_executor{{.workers = 1, .start = start}};
        if (cadre::sync_wait(cadre::on(ex, where)) != where()) failed |= 32;
        if (cadre::sync_wait(cadre::on(ex, where))[4] != 65534) failed |= 64;
    }
    return failed;
}

class process_surroundings : public ::testing::TestWithParam<cadre::start_method> {};

TEST_P(process_surroundings, are_those_of_the_moment_of_the_start) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not support threads in a fork of a program with threads";
#endif
    const temporary_folder folder;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(change_everything(GetParam(), folder.path()));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

INSTANTIATE_TEST_SUITE_P(start, process_surroundings,
                         ::testing::Values(cadre::start_method::forkserver, cadre::start_method::spawn),
                         [](const auto& i) { return i.param == cadre::start_method::spawn ? "spawn" : "forkserver"; });

std::string first_line(const fs::path& file) {
    std::string text;
    std::getline(std::ifstream(file), text, '\0');
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

TEST(process_names, tell_workers_and_server_apart) {
    const executor ex = process_executor{{.workers = 2, .name = "cpu"}};
    const pid_t worker = cadre::sync_wait(cadre::on(ex, worker_pid));
    const fs::path proc("/proc");
    const std::string line = first_line(proc / std::to_string(worker) / "cmdline");
    EXPECT_TRUE(line.ends_with(": worker 0 of cpu") || line.ends_with(": worker 1 of cpu")) << line;
    EXPECT_TRUE(line.starts_with(std::string(program_invocation_short_name) + ": ")) << line;
    EXPECT_TRUE(first_line(proc / std::to_string(worker) / "comm").starts_with("worker ")) << line;
    std::ifstream stat(proc / std::to_string(worker) / "stat");
    std::string text;
    std::getline(stat, text);
    const std::string server =
        text.substr(text.rfind(')') + 4, text.find(' ', text.rfind(')') + 4) - text.rfind(')') - 4);
    EXPECT_TRUE(first_line(proc / server / "cmdline").ends_with(": fork server")) << server;
    EXPECT_EQ(first_line(proc / server / "comm"), "fork server");
}

// argv and the environment belong to the program, which may have kept pointers to them.
int same_strings(std::string home) {
    const char* const now = std::getenv("HOME");
    return now != nullptr && home == now ? 1 : 0;
}

TEST(process_names, leave_the_environment_of_the_program_alone) {
    const char* const home = std::getenv("HOME");
    if (home == nullptr) {
        GTEST_SKIP() << "no HOME";
    }
    const executor ex = process_executor{{.workers = 1, .name = std::string(4000, 'n')}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, same_strings, std::string(home))), 1);
}

}  // namespace
