#include <cadre/detail/call/first_failure.hpp>

#include <new>
#include <utility>

#include <cadre/detail/base/is_cancelled.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/nested_errors.hpp>

namespace cadre::detail {

void first_failure::add(std::size_t index, const std::exception_ptr& error) noexcept {
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

void first_failure::rethrow() const {
    if (error_ == nullptr) return;
    for (const std::exception_ptr& other : others_)
        add_nested_error(error_, other);
    std::rethrow_exception(error_);
}

void first_failure::rethrow(const stop_state& stop, std::string_view name, const callable_ref& callable) const {
    if (error_ != nullptr) note_limited_call(&stop, error_, [&] { return task_text(name, callable); });
    rethrow();
}

// Only the final one gets the others: which that is shows at the end. Without memory they are left out.
void first_failure::add_other(const std::exception_ptr& error) noexcept {
    try {
        if (others_.size() != max_others) others_.push_back(error);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
    }
}

}  // namespace cadre::detail
