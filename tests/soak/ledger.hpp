/// @file
/// The record of all calls: which are open, how the others ended, and faults of the library.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <string>

namespace cadre::soak {

/// Thread-safe.
class ledger {
public:
    /// A call begins. @return its entry
    [[nodiscard]] std::size_t open(const char* what);
    void end_rightly(std::size_t entry);
    void end_wrongly(std::size_t entry, const std::string& why);
    void end_with(std::size_t entry, const std::exception_ptr& error);
    /// Records a fault of the library.
    void fault(const std::string& what);

    /// What has been open for longer than `limit`; empty: nothing.
    [[nodiscard]] std::string stuck(std::chrono::seconds limit) const;
    [[nodiscard]] std::uint64_t ended() const;
    [[nodiscard]] bool clean() const;
    void print() const;

private:
    struct entry {
        const char* what = nullptr;  // null: not open
        std::chrono::steady_clock::time_point since{};
    };
    void close(std::size_t entry);

    mutable std::mutex mutex_;
    std::array<entry, 512> entries_{};
    std::map<std::string, std::uint64_t> ends_;  // by kind of end
    std::uint64_t faults_ = 0;
    std::uint64_t right_ = 0;
};

}  // namespace cadre::soak
