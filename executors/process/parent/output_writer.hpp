/// @file
/// Writes the lines of workers to the standard output of the program, without waiting for its reader.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

namespace cadre::detail::process_parent {

/// One for the program. A line that standard output does not take at once waits for a thread that may block.
/// Thread-safe.
class output_writer {
public:
    [[nodiscard]] static output_writer& instance();

    /// Lines appear in the order of the calls, each whole. Throws std::bad_alloc.
    void write(std::string line);
    /// Whether so much output waits that the output of workers should stay in their pipes.
    [[nodiscard]] bool full() noexcept;
    /// Waits until everything is written, or until standard output has taken nothing for `limit`.
    void drain(std::chrono::milliseconds limit) noexcept;

private:
    output_writer() = default;
    void run() noexcept;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> lines_;  // the thread writes the first one
    std::size_t bytes_ = 0;  // in `lines_`
    bool running_ = false;  // the thread, which ends when nothing waits
};

}  // namespace cadre::detail::process_parent
