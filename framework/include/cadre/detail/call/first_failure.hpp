/// @file
/// Which of several failures an algorithm reports.
#pragma once

#include <cstddef>
#include <exception>
#include <string_view>
#include <vector>

#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>

namespace cadre::detail {

/// The failure of the lowest index, with the others nested in it; `cancelled`, which most often follows from another
/// failure, ranks behind all others.
class first_failure {
public:
    void add(std::size_t index, const std::exception_ptr& error) noexcept;
    void rethrow() const;
    /// The same; if a deadline of `stop` has caused the failure, a `timeout` around the algorithm will name its task:
    /// `name`, or `callable` if that is empty.
    void rethrow(const stop_state& stop, std::string_view name, const callable_ref& callable) const;

private:
    void add_other(const std::exception_ptr& error) noexcept;

    static constexpr std::size_t max_others = 64;  // as many as `nested_errors` keeps
    std::exception_ptr error_;
    bool stopped_ = false;
    std::size_t index_ = 0;
    std::vector<std::exception_ptr> others_;
};

}  // namespace cadre::detail
