#include "process/parent/output_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

output_reader::output_reader(process_os::unique_fd pipe, worker_output mode, std::function<std::string()> prefix)
    : pipe_(std::move(pipe)), mode_(mode), prefix_(std::move(prefix)) {
    ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
}

bool output_reader::read() noexcept {
    std::array<char, 16 * 1024> bytes;
    for (;;) {
        const ssize_t n = ::read(pipe_.get(), bytes.data(), bytes.size());
        if (n > 0) {
            try {
                append(bytes.data(), static_cast<std::size_t>(n));
            } catch (const std::bad_alloc&) {
                text_.clear();  // lost output is no reason to fail
            }
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return true;
        if (mode_ == worker_output::prefix && !text_.empty()) write_line();
        return false;
    }
}

void output_reader::append(const char* bytes, std::size_t count) {
    if (mode_ == worker_output::capture) {
        text_.append(bytes, count);
        if (text_.size() > 2 * max_captured) text_.erase(0, text_.size() - max_captured);
        return;
    }
    const char* const end = bytes + count;
    while (bytes != end) {
        const char* const line_end = std::find(bytes, end, '\n');
        text_.append(bytes, line_end);
        bytes = line_end;
        if (line_end != end) {
            ++bytes;
            write_line();
        }
    }
}

// One write per line, so that lines of different workers do not mix.
void output_reader::write_line() {
    const std::string line = prefix_() + std::exchange(text_, {}) + '\n';
    for (std::size_t done = 0; done < line.size();) {
        const ssize_t n = ::write(STDOUT_FILENO, line.data() + done, line.size() - done);
        if (n < 0 && errno != EINTR) return;
        if (n > 0) done += static_cast<std::size_t>(n);
    }
}

}  // namespace cadre::detail::process_parent
