/// @file
/// Runs programs under the launchers that are installed, and checks that nothing of them is left.
#pragma once

#include <cadre/detail/base/sanitizers.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpirun {

using namespace std::chrono_literals;

struct launcher {
    const char* name;
    const char* package;
    bool has_plugin;
    const char* command;  // empty if there is none
};

inline void PrintTo(const launcher& l, std::ostream* out) { *out << l.name; }

inline constexpr launcher open_mpi{"openmpi", "openmpi-bin, libopenmpi-dev", CADRE_TEST_HAS_OPENMPI,
                                   CADRE_TEST_MPIRUN_OPENMPI};
inline constexpr launcher mpich{"mpich", "mpich, libmpich-dev", CADRE_TEST_HAS_MPICH, CADRE_TEST_MPIRUN_MPICH};

struct outcome {
    int status = -1;
    std::string output{};
    std::chrono::steady_clock::duration took{};
};

// Names the processes of one test in their environment, which their children inherit.
inline std::string mark() {
    static int count = 0;
    return "CADRE_TEST_MARK=" + std::to_string(::getpid()) + "." + std::to_string(++count);
}

// UCX, below MPICH, rewrites functions that sanitizers intercept; the libraries leak, and synchronise in ways that
// ThreadSanitizer does not see. hwloc takes a server on a port from 6000 on for an X display, and waits for it.
#if defined(CADRE_ASAN)
inline constexpr const char* variables =
    " HWLOC_COMPONENTS=-gl UCX_MEM_MMAP_HOOK_MODE=none ASAN_OPTIONS=detect_leaks=0 ";
#elif defined(CADRE_TSAN)
inline constexpr const char* variables =
    " HWLOC_COMPONENTS=-gl UCX_MEM_MMAP_HOOK_MODE=none TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1 ";
#else
inline constexpr const char* variables = " HWLOC_COMPONENTS=-gl ";
#endif

inline outcome run_marked(const std::string& marked, const std::string& command) {
    outcome result;
    const auto begun = std::chrono::steady_clock::now();
    FILE* const pipe =
        ::popen(("exec timeout -k 2 50 env " + marked + variables + command + " 2>&1 </dev/null").c_str(), "re");
    if (pipe == nullptr) return result;
    std::array<char, 4096> block{};
    while (const std::size_t got = std::fread(block.data(), 1, block.size(), pipe))
        result.output.append(block.data(), got);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.took = std::chrono::steady_clock::now() - begun;
    return result;
}

inline bool any_process_marked(const std::string& marked) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "environ", std::ios::binary);
        const std::string environment(std::istreambuf_iterator<char>(file), {});
        if (environment.find(marked + '\0') != std::string::npos) return true;
    }
    return false;
}

inline outcome run(const std::string& command) {
    const std::string marked = mark();
    SCOPED_TRACE(command);
    outcome result = run_marked(marked, command);
    // The processes of the job, and the launcher's helpers, are gone with it.
    for (int i = 0; i < 300 && any_process_marked(marked); ++i)
        std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(any_process_marked(marked)) << result.output;
    return result;
}

// How often `what` stands in `text`.
inline int count(const std::string& text, const std::string& what) {
    int result = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++result;
    return result;
}

/// A test of each launcher, skipped where one is missing.
class job_test : public testing::TestWithParam<launcher> {
protected:
    void SetUp() override {
        if (!GetParam().has_plugin) {
            GTEST_SKIP() << "this build has no plugin for " << GetParam().name << ": install " << GetParam().package;
        }
        if (*GetParam().command == '\0') {
            GTEST_SKIP() << "there is no mpirun of " << GetParam().name << ": install " << GetParam().package;
        }
    }

    /// The command line.
    [[nodiscard]] static std::string job(const std::string& program, const std::string& environment = {},
                                         int ranks = 3) {
        return environment + " " + GetParam().command + " -n " + std::to_string(ranks) + " " + program;
    }
};

}  // namespace mpirun
