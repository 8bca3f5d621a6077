// A library for LD_PRELOAD: system calls of the program fail at random, with errors that the kernel documents for them.
//
// CADRE_FAILING_CALLS="SEED ONE_IN" switches it on: about one call of ONE_IN fails. The program that is being tested
// starts with it switched off and calls `cadre_failing_calls_switch`; its forks share the switch. Programs that it
// executes fail from their first call on.

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

struct shared_state {
    std::atomic<std::uint64_t> seed;
    std::atomic<std::uint64_t> one_in;  // 0: off
    std::atomic<std::uint64_t> failed;
};

shared_state nothing{};
shared_state* state = &nothing;
__thread int exempt = 0;
__thread std::uint64_t stream = 0;

__attribute__((constructor)) void read_settings() {
    const char* const given = std::getenv("CADRE_FAILING_CALLS");
    unsigned long long seed = 0;
    unsigned long long one_in = 0;
    if (given == nullptr || std::sscanf(given, "%llu %llu", &seed, &one_in) != 2) return;
    // Shared with all forks.
    void* const page = reinterpret_cast<void*>(
        ::syscall(SYS_mmap, nullptr, sizeof(shared_state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (page == MAP_FAILED) return;
    state = static_cast<shared_state*>(page);
    state->seed = seed ^ (static_cast<std::uint64_t>(::getpid()) << 32);
    const char* const tested = std::getenv("CADRE_SOAK");
    if (tested != nullptr && std::atol(tested) != ::getpid()) state->one_in = one_in;
}

// splitmix64; one stream a thread.
std::uint64_t next_random() {
    if (stream == 0) stream = state->seed.fetch_add(0x9e3779b97f4a7c15) | 1;
    std::uint64_t z = stream += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// Zero, or the error of this call.
int chosen_error(std::initializer_list<int> errors) {
    const std::uint64_t one_in = state->one_in.load(std::memory_order_relaxed);
    if (one_in == 0 || exempt != 0) return 0;
    const std::uint64_t r = next_random();
    if (r % one_in != 0) return 0;
    state->failed.fetch_add(1, std::memory_order_relaxed);
    return errors.begin()[(r >> 40) % errors.size()];
}

bool fails(std::initializer_list<int> errors) {
    const int error = chosen_error(errors);
    if (error != 0) errno = error;
    return error != 0;
}

// Only a call that may block is interrupted.
bool blocks(int fd) { return state->one_in != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

template <class F>
F* next(F*, const char* name) {
    return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

#define REAL(name) static const auto real = next(&::name, #name)

extern "C" {

std::uint64_t cadre_failing_calls_switch(std::uint64_t one_in) { return state->one_in = one_in; }
std::uint64_t cadre_failing_calls_count() { return state->failed; }
/// Calls of this thread do not fail, while `add` calls of 1 outnumber those of -1.
std::uint64_t cadre_failing_calls_exempt(int add) { return static_cast<std::uint64_t>(exempt += add); }

int open(const char* path, int flags, ...) {
    REAL(open);
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return fails({EMFILE, ENFILE, ENOMEM}) ? -1 : real(path, flags, mode);
}
int eventfd(unsigned count, int flags) {
    static const auto real = next(static_cast<int (*)(unsigned, int)>(nullptr), "eventfd");
    return fails({EMFILE, ENFILE, ENOMEM}) ? -1 : real(count, flags);
}
int pipe2(int* ends, int flags) {
    REAL(pipe2);
    return fails({EMFILE, ENFILE}) ? -1 : real(ends, flags);
}
int socketpair(int domain, int type, int protocol, int* ends) noexcept {
    REAL(socketpair);
    return fails({EMFILE, ENFILE}) ? -1 : real(domain, type, protocol, ends);
}
int epoll_create1(int flags) noexcept {
    REAL(epoll_create1);
    return fails({EMFILE, ENFILE, ENOMEM}) ? -1 : real(flags);
}
int memfd_create(const char* name, unsigned flags) noexcept {
    REAL(memfd_create);
    return fails({EMFILE, ENFILE, ENOMEM}) ? -1 : real(name, flags);
}
int dup2(int from, int to) noexcept {
    REAL(dup2);
    return fails({EMFILE, EINTR}) ? -1 : real(from, to);
}
int fcntl(int fd, int command, ...) {
    REAL(fcntl);
    va_list more;
    va_start(more, command);
    void* const argument = va_arg(more, void*);
    va_end(more);
    if (command == F_DUPFD_CLOEXEC && fails({EMFILE})) return -1;
    return real(fd, command, argument);
}
int fcntl64(int fd, int command, ...) {
    va_list more;
    va_start(more, command);
    void* const argument = va_arg(more, void*);
    va_end(more);
    return fcntl(fd, command, argument);
}
void* mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) noexcept {
    REAL(mmap);
    return fails({ENOMEM}) ? MAP_FAILED : real(at, size, protection, flags, fd, offset);
}
int madvise(void* at, std::size_t size, int advice) noexcept {
    REAL(madvise);
    return fails({ENOMEM, EAGAIN}) ? -1 : real(at, size, advice);
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
    REAL(fallocate);
    return fails({ENOSPC, ENOMEM, EINTR}) ? -1 : real(fd, mode, offset, size);
}
int ftruncate(int fd, off_t size) noexcept {
    REAL(ftruncate);
    return fails({EINTR, ENOMEM}) ? -1 : real(fd, size);
}
pid_t fork() noexcept {
    REAL(fork);
    return fails({EAGAIN, ENOMEM}) ? -1 : real();
}
int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
    REAL(posix_spawn);
    const int error = chosen_error({EAGAIN, ENOMEM});
    return error != 0 ? error : real(pid, path, actions, attributes, arguments, environment);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*f)(void*), void* argument) noexcept {
    REAL(pthread_create);
    const int error = chosen_error({EAGAIN});
    return error != 0 ? error : real(thread, attributes, f, argument);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    REAL(sendmsg);
    return fails({ENOMEM, ENOBUFS, EINTR}) ? -1 : real(fd, message, flags);
}
// Without a free descriptor a message arrives without its descriptors.
ssize_t recvmsg(int fd, msghdr* message, int flags) {
    REAL(recvmsg);
    if (fails({ENOMEM, EINTR, EINTR})) return -1;
    const ssize_t size = real(fd, message, flags);
    if (size <= 0 || message->msg_controllen == 0 || chosen_error({EMFILE}) == 0) return size;
    for (cmsghdr* c = CMSG_FIRSTHDR(message); c != nullptr; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const int* const fds = reinterpret_cast<const int*>(CMSG_DATA(c));
        for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i)
            ::close(fds[i]);
    }
    message->msg_controllen = 0;
    message->msg_flags |= MSG_CTRUNC;
    return size;
}
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
    REAL(epoll_ctl);
    if (operation == EPOLL_CTL_ADD && fails({ENOMEM, ENOSPC})) return -1;
    return real(epoll, operation, fd, event);
}
int epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
    REAL(epoll_wait);
    return timeout != 0 && fails({EINTR}) ? -1 : real(epoll, events, count, timeout);
}
int poll(pollfd* fds, nfds_t count, int timeout) {
    REAL(poll);
    return timeout != 0 && fails({EINTR}) ? -1 : real(fds, count, timeout);
}
ssize_t read(int fd, void* to, std::size_t size) {
    REAL(read);
    return blocks(fd) && fails({EINTR}) ? -1 : real(fd, to, size);
}
ssize_t write(int fd, const void* from, std::size_t size) {
    REAL(write);
    return blocks(fd) && fails({EINTR}) ? -1 : real(fd, from, size);
}
pid_t waitpid(pid_t pid, int* status, int options) {
    REAL(waitpid);
    return fails({EINTR}) ? -1 : real(pid, status, options);
}
DIR* opendir(const char* path) {
    REAL(opendir);
    return fails({EMFILE, ENFILE, ENOMEM}) ? nullptr : real(path);
}
ssize_t getrandom(void* to, std::size_t size, unsigned flags) {
    static const auto real = next(static_cast<ssize_t (*)(void*, std::size_t, unsigned)>(nullptr), "getrandom");
    return fails({EINTR}) ? -1 : real(to, size, flags);
}
int timer_create(clockid_t clock, sigevent* event, timer_t* timer) noexcept {
    REAL(timer_create);
    return fails({EAGAIN, ENOMEM}) ? -1 : real(clock, event, timer);
}
long syscall(long number, ...) noexcept {
    static const auto real = next(static_cast<long (*)(long, ...)>(nullptr), "syscall");
    long a[6];
    va_list more;
    va_start(more, number);
    for (long& one : a)
        one = va_arg(more, long);
    va_end(more);
    switch (number) {
        case SYS_pidfd_open:
            if (fails({EMFILE, ENFILE, ENOMEM})) return -1;
            break;
        case SYS_pidfd_send_signal:
            if (fails({EPERM})) return -1;
            break;
        case SYS_futex:
            if ((a[1] & 0x7f) == 0 && fails({EINTR, EAGAIN})) return -1;
            break;
        default: break;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
