#include "process/parent/output_reader.hpp"

#include "process/parent/output_writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

namespace {

constexpr unsigned max_reads = 64;

}  // namespace

output_reader::output_reader(process_os::unique_fd pipe, worker_output mode, std::function<std::string()> prefix)
    : pipe_(std::move(pipe)), mode_(mode), prefix_(std::move(prefix)) {
    ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
}

output_reader::result output_reader::read() noexcept { return read_pipe(mode_ == worker_output::prefix); }

void output_reader::read_rest() noexcept { static_cast<void>(read_pipe(false)); }

output_reader::result output_reader::read_pipe(bool may_pause) noexcept {
    const std::lock_guard hold(mutex_);
    std::array<char, 16 * 1024> bytes;
    // Bounded: processes that outlive the worker may write without end.
    for (unsigned reads = 0; reads != max_reads; ++reads) {
        if (may_pause && output_writer::instance().full()) return result::paused;
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
        if (n < 0 && errno == EAGAIN) return result::more;
        try {
            if (mode_ == worker_output::prefix && !text_.empty()) write_line();
        } catch (const std::bad_alloc&) {
            text_.clear();
        }
        return result::end;
    }
    return result::more;
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

// Line by line, so that lines of different workers do not mix.
void output_reader::write_line() { output_writer::instance().write(prefix_() + std::exchange(text_, {}) + '\n'); }

}  // namespace cadre::detail::process_parent
