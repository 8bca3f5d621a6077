/// @file
/// Which of several failures an algorithm reports.
#pragma once

#include <cstddef>
#include <exception>
#include <vector>

namespace cadre::detail {

/// The failure of the lowest index, with the others nested in it; `cancelled`, which most often follows from another
/// failure, ranks behind all others.
class first_failure {
public:
    void add(std::size_t index, const std::exception_ptr& error) noexcept;
    void rethrow() const;

private:
    void add_other(const std::exception_ptr& error) noexcept;

    static constexpr std::size_t max_others = 64;  // as many as `nested_errors` keeps
    std::exception_ptr error_;
    bool stopped_ = false;
    std::size_t index_ = 0;
    std::vector<std::exception_ptr> others_;
};

}  // namespace cadre::detail
