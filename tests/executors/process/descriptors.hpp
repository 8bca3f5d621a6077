/// @file
/// Descriptors to send, and functions that use them.
#pragma once

#include <cadre/unique_fd.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace cadre::process_tests {

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};

inline pipe_ends make_pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

inline unique_fd copy_of(const unique_fd& fd) { return unique_fd{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)}; }

inline int write_byte(unique_fd fd, char byte) { return static_cast<int>(::write(fd.get(), &byte, 1)); }

/// Reads one byte, within ten seconds; -1: the other end is closed; -2: nothing came.
inline int read_byte(const unique_fd& fd) {
    pollfd p{fd.get(), POLLIN, 0};
    if (::poll(&p, 1, 10'000) != 1) return -2;
    char byte = 0;
    return ::read(fd.get(), &byte, 1) == 1 ? byte : -1;
}

inline std::size_t open_descriptors() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

inline bool close_on_exec(const unique_fd& fd) { return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0; }

inline unique_fd open_null() { return unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }
inline std::vector<unique_fd> open_many(int n) {
    std::vector<unique_fd> all;
    for (int i = 0; i < n; ++i)
        all.push_back(open_null());
    return all;
}
inline int count(std::vector<unique_fd> all) { return static_cast<int>(all.size()); }

}  // namespace cadre::process_tests
