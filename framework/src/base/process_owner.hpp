/// @file
/// Distinguishes a process from the processes that were forked from it.
#pragma once

#include <atomic>
#include <cstdint>

namespace cadre::detail {

/// Names the process that makes it. A fork has a copy of the memory, but neither the threads nor the right to use what
/// the original shares with other processes: code that would touch such things asks `here()` first.
class process_owner {
public:
    /// This process.
    process_owner() noexcept;

    /// Whether this is the process that made it. One load.
    [[nodiscard]] bool here() const noexcept { return word_->load(std::memory_order_relaxed) == token_; }
    /// What `here` compares, for loops that must not call it.
    [[nodiscard]] const std::atomic<std::uint32_t>* word() const noexcept { return word_; }
    [[nodiscard]] std::uint32_t token() const noexcept { return token_; }

private:
    // A word that the kernel clears in every fork, and its value in the process that made this object.
    const std::atomic<std::uint32_t>* word_;
    std::uint32_t token_;
};

}  // namespace cadre::detail
