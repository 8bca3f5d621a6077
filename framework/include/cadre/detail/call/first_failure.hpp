/// @file
/// Which of several failures an algorithm reports.
#pragma once

#include <cstddef>
#include <exception>
#include <utility>

#include <cadre/detail/task/time_limit.hpp>

namespace cadre::detail {

/// The failure of the lowest index; `cancelled`, which most often follows from another failure, ranks behind all others.
class first_failure {
public:
    void add(std::size_t index, const std::exception_ptr& error) noexcept {
        if (error_ != nullptr && !stopped_ && index >= index_) return;
        const bool stopped = is_cancelled(error);
        if (error_ != nullptr && std::pair(stopped, index) >= std::pair(stopped_, index_)) return;
        error_ = error;
        stopped_ = stopped;
        index_ = index;
    }
    /// Null if nothing has failed.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
    void rethrow() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }

private:
    std::exception_ptr error_;
    bool stopped_ = false;
    std::size_t index_ = 0;
};

}  // namespace cadre::detail
