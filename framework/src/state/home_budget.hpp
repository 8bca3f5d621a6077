/// @file
/// Limits the memory that workers can make the home of their objects use.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace cadre::detail {

/// Bytes that may be in use at once. What is taken from a budget is taken from `of`, too. Thread-safe.
class home_budget {
public:
    explicit home_budget(std::uint64_t limit, std::shared_ptr<home_budget> of = nullptr) noexcept
        : limit_(limit), of_(std::move(of)) {}

    /// @return false if too few are left: nothing is taken
    [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
        std::uint64_t used = used_.load(std::memory_order_relaxed);
        do {
            if (bytes > limit_ - used) return false;
        } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
        if (of_ == nullptr || of_->take(bytes)) return true;
        used_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
    }
    void give_back(std::uint64_t bytes) noexcept {
        used_.fetch_sub(bytes, std::memory_order_relaxed);
        if (of_ != nullptr) of_->give_back(bytes);
    }
    [[nodiscard]] std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

private:
    const std::uint64_t limit_;
    const std::shared_ptr<home_budget> of_;
    std::atomic<std::uint64_t> used_{0};
};

/// Bytes taken from a budget; the destructor returns them. Default-constructed: no bytes.
class home_charge {
public:
    home_charge() noexcept = default;
    /// @throws std::bad_alloc if too few are left
    home_charge(std::shared_ptr<home_budget> from, std::uint64_t bytes) : bytes_(bytes) {
        if (!from->take(bytes)) throw std::bad_alloc();
        from_ = std::move(from);
    }
    home_charge(home_charge&& other) noexcept : from_(std::move(other.from_)), bytes_(other.bytes_) {}
    home_charge& operator=(home_charge&& other) noexcept {
        std::swap(from_, other.from_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~home_charge() {
        if (from_ != nullptr) from_->give_back(bytes_);
    }

private:
    std::shared_ptr<home_budget> from_{};
    std::uint64_t bytes_ = 0;
};

/// What workers may use of the program's memory.
struct home_limits {
    std::uint64_t bytes_of_worker = 0;  ///< in the objects and messages of one worker, as long as they exist
    std::uint64_t bytes_of_all = 0;
    std::size_t workers_of_node = 0;  ///< workers that hold something of the objects

    /// Half of the machine's memory for all workers, a quarter for each.
    [[nodiscard]] static home_limits of_this_machine() noexcept;
};

}  // namespace cadre::detail
