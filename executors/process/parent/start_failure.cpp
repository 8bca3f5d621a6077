#include "process/parent/start_failure.hpp"

#include "process/os/bootstrap.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include <sys/resource.h>

namespace cadre::detail::process_parent {

namespace {

constexpr unsigned lasting_failures = 12;
constexpr std::chrono::seconds lasting_time{5};

// What other programs, or other parts of this one, may give back.
bool is_shortage(int code) noexcept {
    constexpr std::array codes{EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, ENOBUFS, EDQUOT};
    return std::ranges::find(codes, code) != codes.end();
}

// What a launch throws if its fork server was killed.
bool is_lost_server(int code) noexcept { return code == ECONNRESET || code == EPIPE || code == ETIMEDOUT; }

// The signals of a process that fails by itself.
bool is_crash(int signal) noexcept {
    constexpr std::array signals{SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGXFSZ};
    return std::ranges::find(signals, signal) != signals.end();
}

// `; raise ulimit -n, now 1024`
std::string raise_limit(__rlimit_resource_t resource, const char* option, rlim_t unit) {
    rlimit limit{};
    const bool known = ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return std::string("; raise `ulimit ") + option + "`" +
           (known ? ", now " + std::to_string(limit.rlim_cur / unit) : std::string());
}

// The text that says what to change so that the system grants the request.
std::string remedy(int code) {
    switch (code) {
        case EMFILE: return raise_limit(RLIMIT_NOFILE, "-n", 1);
        case EFBIG: return raise_limit(RLIMIT_FSIZE, "-f", 1024);
        case EAGAIN: return raise_limit(RLIMIT_NPROC, "-u", 1) + ", or pids.max of its control group";
        case ENOMEM: return raise_limit(RLIMIT_AS, "-v", 1024);
        case ENFILE: return "; the system has no free file descriptors: end other programs or raise fs.file-max";
        case ENOENT: return "; are /proc and /dev mounted?";
        case ENOSPC: return "; the system has no free shared memory";
        case EPERM:
        case EACCES: return "; a seccomp filter or a security module may forbid the system call";
        case ENOSYS: return "; Linux 5.4 or newer is needed";
        case E2BIG: return "; this process has too many supplementary groups";
        default: return {};
    }
}

}  // namespace

start_failure launch_failure(std::exception_ptr error) noexcept {
    start_failure f{.error = error, .own = true};
    try {
        std::rethrow_exception(std::move(error));
    } catch (const std::system_error& e) {
        f.code = e.code().value();
        f.own = !is_lost_server(f.code);
    } catch (const std::bad_alloc&) {
        f.code = ENOMEM;
    } catch (...) {
        // Without a code.
    }
    return f;
}

start_failure early_death(const death_notice& death) {
    const std::string& why = death.report.start_error;
    if (why.empty()) {
        const bool no_reason = death.known && death.signal == 0 && death.exit_code == process_os::worker_start_failed;
        const task_label phase{"",
                               no_reason ? "its start-up code, which standard error explains" : "its start-up code"};
        return {.error = crash_error(death, phase, {}),
                .own = death.known && (death.signal == 0 || is_crash(death.signal))};
    }
    worker_death facts;
    facts.pid = death.pid;
    facts.exit_code = death.exit_code;
    return {.error = std::make_exception_ptr(
                worker_crashed(death.worker + " could not start: " + why + last_output(death), std::move(facts))),
            .code = death.report.start_errno,
            .own = true};
}

std::exception_ptr cannot_start(std::string_view executor, const start_failure& f) noexcept {
    try {
        std::string text = "executor '" + std::string(executor) + "': cannot start worker processes: ";
        try {
            std::rethrow_exception(f.error);
        } catch (const std::bad_alloc&) {
            text += "not enough memory";
        } catch (const std::exception& e) {
            text += e.what();
        }
        return std::make_exception_ptr(config_error(text + remedy(f.code)));
    } catch (...) {
        return f.error;
    }
}

void start_failure_series::add(const start_failure& f, bool ever_ready, time_point now) noexcept {
    if (!f.own || (ever_ready && is_shortage(f.code))) return clear();
    if (failures_++ == 0) first_ = now;
    last_ = now;
}

bool start_failure_series::lasting() const noexcept {
    return failures_ >= lasting_failures && last_ - first_ >= lasting_time;
}

}  // namespace cadre::detail::process_parent
