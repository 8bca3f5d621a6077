/// @file
/// The protocol of `cadre-top` and a running program.
///
/// The program listens on a socket of the abstract namespace, whose name contains a random number: no other process can
/// take the name first, and nothing is in the file system. `cadre-top` finds it among the descriptors of the process.
/// Each connection gets one observation: its size, and its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cadre/detail/base/byte_buffer.hpp>

namespace cadre::detail::observation {

/// The version of the format; a part of the socket's name.
inline constexpr std::uint32_t version = 1;
/// The beginning of the socket's name, without the null byte that every abstract name begins with; the version, a dot
/// and a random number follow.
inline constexpr std::string_view name_prefix = "cadre-observe.";
/// A larger observation is not sent, and not read.
inline constexpr std::size_t max_size = std::size_t{16} << 20;

struct worker {
    std::uint64_t index = 0;
    std::int64_t pid = 0;
    std::uint8_t state = 0;  ///< a worker_activity
    std::uint64_t calls = 0;
    std::uint64_t task_id = 0;  ///< 0: no task runs
    std::string task_name{};
    std::int64_t running_for = -1;  ///< nanoseconds; -1: not known
    std::uint64_t memory = 0;
    std::uint64_t peak_memory = 0;
};

struct executor {
    std::string name{};
    std::string kind{};
    std::uint64_t done = 0;
    std::uint64_t running = 0;
    std::uint64_t queued = 0;
    std::uint64_t failed = 0;
    std::uint64_t retried = 0;
    std::uint64_t restarts = 0;
    std::uint64_t workers = 0;
    std::vector<std::uint64_t> round_trips{};  ///< the buckets of the histogram
    std::vector<worker> per_worker{};
};

struct program {
    std::int64_t pid = 0;
    std::string name{};
    std::int64_t time = 0;  ///< CLOCK_MONOTONIC, nanoseconds
    std::vector<executor> executors{};
};

/// A snapshot of this program.
[[nodiscard]] program observe();
[[nodiscard]] byte_buffer encode(const program& p);
/// @throws std::exception if the bytes are not an observation
[[nodiscard]] program decode(std::span<const std::byte> bytes);

}  // namespace cadre::detail::observation
