/// @file
/// The time limit of one run of work, which counts from its begin.
#pragma once

#include <chrono>
#include <exception>
#include <string_view>

#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/task/time_limit.hpp>

namespace cadre::detail {

/// Used once, by the thread that begins the work and the one that ends it. Its timer is of the process, not of the
/// executor: a limit passes although all workers are busy.
class run_limit {
public:
    /// Zero: no limit.
    explicit run_limit(std::chrono::nanoseconds limit) noexcept : limit_(limit) {}

    /// Whether there is a limit and the work has begun.
    [[nodiscard]] bool active() const noexcept { return deadline_ != nullptr; }
    /// The work begins: it runs below a stop state of its own from here on.
    void begin(environment& env);
    /// The work has ended. @return the error in place of `error`: `timed_out` if the limit has caused that
    [[nodiscard]] std::exception_ptr end(environment& env, std::exception_ptr error, std::string_view task_name,
                                         const callable_ref& callable) noexcept;

private:
    std::chrono::nanoseconds limit_;
    stop_state* outer_ = nullptr;
    owning_pointer<deadline_stop> deadline_;  // most work has no limit
};

}  // namespace cadre::detail
