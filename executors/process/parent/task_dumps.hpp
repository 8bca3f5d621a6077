/// @file
/// The answers of workers to `dump_tasks`.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace cadre::detail::process_parent {

/// Thread-safe. One request at a time: `hold` is kept until its answers were taken.
class task_dumps {
public:
    /// A worker whose tasks are requested.
    struct target {
        std::uint64_t serial;
        std::string title;
    };

    /// One request: other threads that make one wait.
    [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(one_request_); }
    /// Begins a request. @return its number, which the answers carry
    [[nodiscard]] std::uint64_t begin();
    /// An answer; a late one is dropped. What a worker sends is text for a terminal: control characters are replaced.
    void answer(std::uint64_t request, std::uint64_t serial, std::span<const std::byte> text);
    /// Waits for the answers of all, but not beyond `deadline`. @return the text, in the order of `workers`
    [[nodiscard]] std::string collect(const std::vector<target>& workers,
                                      std::chrono::steady_clock::time_point deadline);

private:
    std::mutex one_request_;  // before the pool's locks
    std::mutex mutex_;  // a leaf: guards the members below
    std::condition_variable arrived_;
    std::uint64_t request_ = 0;
    std::map<std::uint64_t, std::string> answers_;  // by serial
};

}  // namespace cadre::detail::process_parent
