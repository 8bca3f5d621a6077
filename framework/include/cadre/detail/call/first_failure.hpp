/// @file
/// Which of several failures an algorithm reports.
#pragma once

#include <cstddef>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include <cadre/detail/task/time_limit.hpp>
#include <cadre/nested_errors.hpp>

namespace cadre::detail {

/// The failure of the lowest index, with the others nested in it; `cancelled`, which most often follows from another
/// failure, ranks behind all others.
class first_failure {
public:
    void add(std::size_t index, const std::exception_ptr& error) noexcept {
        const bool stopped = is_cancelled(error);
        if (error_ != nullptr && std::pair(stopped, index) >= std::pair(stopped_, index_)) {
            if (!stopped) add_other(error);
            return;
        }
        if (error_ != nullptr && !stopped_) add_other(error_);
        error_ = error;
        stopped_ = stopped;
        index_ = index;
    }
    void rethrow() const {
        if (error_ == nullptr) return;
        for (const std::exception_ptr& other : others_)
            add_nested_error(error_, other);
        std::rethrow_exception(error_);
    }

private:
    // Only the final one gets the others: which that is shows at the end. Without memory they are left out.
    void add_other(const std::exception_ptr& error) noexcept {
        try {
            if (others_.size() != max_others) others_.push_back(error);
        } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
        }
    }

    static constexpr std::size_t max_others = 64;  // as many as `nested_errors` keeps
    std::exception_ptr error_;
    bool stopped_ = false;
    std::size_t index_ = 0;
    std::vector<std::exception_ptr> others_;
};

}  // namespace cadre::detail
