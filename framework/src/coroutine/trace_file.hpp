/// @file
/// A trace as a file in the format of Chrome's tracing, which Perfetto reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "trace.hpp"

namespace cadre::detail::trace {

/// Writes events as JSON. The file is valid JSON after each `write`: the next events overwrite its end. Used by one
/// thread at a time.
///
/// A run of a task is a slice of its thread. A call is an asynchronous slice from its submission to its end, with an
/// arrow from the place of its submission to its begin. A wait is an asynchronous slice, too.
class trace_file {
public:
    trace_file() noexcept = default;
    trace_file(const trace_file&) = delete;
    trace_file& operator=(const trace_file&) = delete;
    ~trace_file() { close(); }

    /// @return the error if the file cannot be written; empty on success
    [[nodiscard]] std::string open(const std::string& path);
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

    void name_thread(pid_t pid, pid_t tid, std::string_view name);
    /// Appends events in the order of their times. @return false if the file cannot be written: the trace ends, and the
    /// file is unchanged
    [[nodiscard]] bool write(const std::vector<event>& events);
    /// Ends the open slices and records the number of missing events.
    void finish(std::int64_t now, std::uint64_t lost);
    void close() noexcept;

private:
    struct slice {
        std::int64_t begin;
        std::uint64_t id;
        std::string name;
    };
    using thread_key = std::pair<pid_t, pid_t>;

    void add(const event& e);
    void add_submission(const event& e);
    void end_slice(thread_key thread, std::int64_t end);
    void end_slices(pid_t pid, std::int64_t end);
    [[nodiscard]] std::string name_of(const event& e) const;

    // Begins an event with its common fields; the caller appends others and ends it.
    void open_event(std::string_view phase, std::string_view category, std::string_view name, const event& e,
                    std::int64_t time);
    void add_id(std::string_view key, std::uint64_t id);
    void end_event() { batch_ += '}'; }
    void name(std::string_view what, pid_t pid, pid_t tid, std::string_view name);
    [[nodiscard]] bool flush();

    int fd_ = -1;
    std::uint64_t end_ = 0;  // where the end of the JSON begins in the file
    std::string batch_;
    std::map<thread_key, slice> running_;
    std::unordered_map<std::uint64_t, std::string> names_;  // of unfinished calls and tasks
};

}  // namespace cadre::detail::trace
