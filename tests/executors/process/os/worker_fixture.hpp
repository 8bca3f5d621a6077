/// @file
/// Worker processes for the tests of the layer below the process executor.
#pragma once

#include "process/os/crash_page.hpp"
#include "process/os/syscalls.hpp"
#include "process/os/worker_launcher.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include <dirent.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre::detail::process_os::testing {

using namespace std::chrono_literals;

// Guards only: everything is waited for by event.
inline constexpr auto guard = 20s;

/// The descriptors that this process has open.
inline std::set<int> open_fds() {
    std::set<int> fds;
    DIR* folder = ::opendir("/proc/self/fd");
    while (const dirent* entry = ::readdir(folder))
        if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != ::dirfd(folder))
            fds.insert(std::atoi(entry->d_name));
    ::closedir(folder);
    return fds;
}

inline void say(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n <= 0) std::abort();
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

/// Reads until `until` has come (it is dropped) or the writers have gone.
inline std::string hear(int fd, char until = '\0') {
    std::string text;
    while (wait_readable(fd, guard)) {
        char c = 0;
        if (::read(fd, &c, 1) != 1 || c == until) break;
        text += c;
    }
    return text;
}

[[noreturn]] inline void sleep_for_ever() {
    for (;;)
        ::pause();
}

/// Memory shared with a worker, with its crash page.
class shared_crash_page {
public:
    shared_crash_page()
        : fd_(make_memfd("crash", crash_page_size)),
          page_(static_cast<crash_page*>(
              ::mmap(nullptr, crash_page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0))) {}
    ~shared_crash_page() { ::munmap(page_, crash_page_size); }
    shared_crash_page(const shared_crash_page&) = delete;
    shared_crash_page& operator=(const shared_crash_page&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] crash_page& page() const { return *page_; }
    [[nodiscard]] crash_report report() const { return read_crash_page(*page_); }

private:
    unique_fd fd_;
    crash_page* page_;
};

/// Typed over the two ways to start a worker.
class worker_test : public ::testing::TestWithParam<start_method> {
protected:
    [[nodiscard]] worker_spec spec(worker_main_fn main) const { return {.start = GetParam(), .main = main}; }

    worker_exit run(const worker_spec& wish) {
        const launched_worker worker = launcher_.launch(wish);
        return end_of(worker);
    }

    worker_exit end_of(const launched_worker& worker) {
        const auto end = launcher_.wait_exit(worker.pid, guard);
        EXPECT_TRUE(end.has_value()) << "no report on worker " << worker.pid;
        return end.value_or(worker_exit{});
    }

    worker_launcher launcher_;
};

inline std::string method_name(const ::testing::TestParamInfo<start_method>& info) {
    return info.param == start_method::spawn ? "spawn" : "forkserver";
}

}  // namespace cadre::detail::process_os::testing
