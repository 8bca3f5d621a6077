/// @file
/// Reads the standard output and error of one worker, if these go through the parent.
#pragma once

#include "process/os/unique_fd.hpp"

#include <cadre/executors/process_options.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace cadre::detail::process_parent {

/// Thread-safe, except `captured`.
class output_reader {
public:
    /// @param prefix returns the text before a line that begins now
    output_reader(process_os::unique_fd pipe, worker_output mode, std::function<std::string()> prefix);

    [[nodiscard]] int descriptor() const noexcept { return pipe_.get(); }
    enum class result : std::uint8_t { more, paused, end };
    /// Reads what is available. Pauses while the reader of the program's output does not keep up.
    result read() noexcept;
    /// Reads what a worker that has ended left.
    void read_rest() noexcept;
    /// `capture`: the end of the output. No other thread reads meanwhile.
    [[nodiscard]] const std::string& captured() const noexcept { return text_; }

private:
    static constexpr std::size_t max_captured = 64 * 1024;

    result read_pipe(bool may_pause) noexcept;
    void append(const char* bytes, std::size_t count);
    void write_line();

    std::mutex mutex_;  // under it: `prefix`, which takes the pool's `calls_mutex_`
    process_os::unique_fd pipe_;
    worker_output mode_;
    std::function<std::string()> prefix_;
    std::string text_;  // capture: all of it; prefix: the line that has not ended
};

}  // namespace cadre::detail::process_parent
