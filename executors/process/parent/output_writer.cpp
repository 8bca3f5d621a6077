#include "process/parent/output_writer.hpp"

#include "base/signals_blocked.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

namespace {

constexpr std::size_t max_waiting = std::size_t{256} * 1024;

// Writes what standard output takes without blocking. @return the number of bytes; all of them if it is closed
std::size_t write_now(std::string_view text) noexcept {
    struct stat file{};
    if (::fstat(STDOUT_FILENO, &file) == 0 && S_ISREG(file.st_mode)) {
        const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
        return n >= 0 ? static_cast<std::size_t>(n) : errno == EINTR ? 0 : text.size();
    }
    iovec part{const_cast<char*>(text.data()), text.size()};
    const ssize_t n = ::pwritev2(STDOUT_FILENO, &part, 1, -1, RWF_NOWAIT);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN || errno == EINTR) return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) return text.size();
    // The kernel does not support RWF_NOWAIT for this kind of file. A pipe that is writable takes PIPE_BUF bytes.
    pollfd p{STDOUT_FILENO, POLLOUT, 0};
    if (text.size() > PIPE_BUF || ::poll(&p, 1, 0) != 1) return 0;
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0) return errno == EAGAIN || errno == EINTR ? 0 : text.size();
    return static_cast<std::size_t>(written);
}

}  // namespace

output_writer& output_writer::instance() {
    static auto* one = new output_writer;  // its thread may outlive static destruction
    return *one;
}

void output_writer::write(std::string line) {
    const std::lock_guard hold(mutex_);
    if (lines_.empty()) {
        line.erase(0, write_now(line));
        if (line.empty()) return;
    }
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    if (running_) return;
    const signals_blocked blocked;
    try {
        std::thread([this] { run(); }).detach();
        running_ = true;
    } catch (const std::system_error&) {
        // No thread is left: the next line tries again.
    }
}

bool output_writer::full() noexcept {
    const std::lock_guard hold(mutex_);
    return bytes_ >= max_waiting;
}

void output_writer::drain(std::chrono::milliseconds limit) noexcept {
    std::unique_lock hold(mutex_);
    for (std::size_t before = bytes_; running_ && !lines_.empty(); before = bytes_)
        if (!changed_.wait_for(hold, limit, [&] { return bytes_ != before; })) return;
}

void output_writer::run() noexcept {
    std::unique_lock hold(mutex_);
    while (!lines_.empty()) {
        const std::string& line = lines_.front();  // its address is stable while others are added
        for (std::size_t done = 0; done < line.size();) {
            hold.unlock();
            const ssize_t n = ::write(STDOUT_FILENO, line.data() + done, line.size() - done);
            if (n < 0 && errno == EAGAIN) {
                pollfd p{STDOUT_FILENO, POLLOUT, 0};
                ::poll(&p, 1, -1);
            }
            const bool lost = n < 0 && errno != EINTR && errno != EAGAIN;
            hold.lock();
            done += lost ? line.size() - done : static_cast<std::size_t>(std::max<ssize_t>(n, 0));
        }
        bytes_ -= line.size();
        lines_.pop_front();
        changed_.notify_all();
    }
    running_ = false;
    changed_.notify_all();
}

}  // namespace cadre::detail::process_parent
