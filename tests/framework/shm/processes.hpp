// Processes of a test: forked, joined to the plane of the test, and recovered after their end.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cadre/detail/base/byte_buffer.hpp>

#include "shm/identity.hpp"
#include "shm/state_plane.hpp"

namespace shm_test {

namespace shm = cadre::detail::shm;
using cadre::detail::byte_buffer;
using cadre::detail::op_status;

inline constexpr shm::region_options small_region{.slots = 8, .arena_size = 64ull << 20};

/// A process of the test. It runs a function that gets the plane which the process has joined.
struct child {
    pid_t pid = -1;
    shm::process_id id{};

    /// How it ended: the signal, or minus its exit status.
    int wait() {
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0) {
        }
        return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
    }
    void kill() const { ::kill(pid, SIGKILL); }
};

template <class F>
child start(shm::state_plane& plane, F f) {
    const auto id = plane.claim_slot();
    if (!id) throw std::bad_alloc();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(9);
        try {
            const auto joined = shm::state_plane::join(plane.invite(*id));
            f(*joined);
        } catch (...) {
            ::_exit(8);
        }
        ::_exit(0);
    }
    return {pid, *id};
}

/// Runs a process to its end and recovers what it held. @return as `child::wait`
template <class F>
int run(shm::state_plane& plane, F f) {
    child c = start(plane, f);
    const int how = c.wait();
    plane.recover(c.id);
    return how;
}

/// Kills the process when the algorithm reaches a chosen step for the n-th time.
struct killer {
    static inline std::optional<shm::step> deadly;
    static inline int passes = 0;

    static void arm(shm::step s, int skip = 0) {
        deadly = s;
        passes = skip;
    }
    static void at(shm::step s) noexcept {
        if (deadly == s && passes-- == 0) ::kill(::getpid(), SIGKILL);
    }
};

/// Zeroed memory shared with the children, for their results.
template <class T>
class report {
public:
    report() {
        void* p = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        value_ = new (p) T{};
    }
    report(const report&) = delete;
    report& operator=(const report&) = delete;
    ~report() { ::munmap(value_, sizeof(T)); }
    T* operator->() const noexcept { return value_; }
    T& operator*() const noexcept { return *value_; }

private:
    T* value_;
};

/// Made before processes are started: a process waits until another one opens it.
class gate {
public:
    gate() {
        if (::pipe2(ends_, O_CLOEXEC) != 0) throw std::bad_alloc();
    }
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;
    ~gate() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    void open() const { EXPECT_EQ(::write(ends_[1], "", 1), 1); }
    void wait() const {
        pollfd p{ends_[0], POLLIN, 0};
        EXPECT_EQ(::poll(&p, 1, 20'000), 1) << "the gate was not opened";
    }

private:
    int ends_[2]{};
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

template <class T>
std::optional<T> value_of(const byte_buffer& b) {
    if (b.size() != sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, b.data(), sizeof value);
    return value;
}

}  // namespace shm_test
