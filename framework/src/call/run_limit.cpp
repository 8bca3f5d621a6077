#include <cadre/detail/call/run_limit.hpp>

#include <utility>

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

void run_limit::begin(environment& env) {
    if (limit_.count() <= 0) return;
    outer_ = env.stop;
    deadline_.reset(new deadline_stop);
    deadline_->arm(limit_, outer_);
    env.stop = &deadline_->stop();
}

std::exception_ptr run_limit::end(environment& env, std::exception_ptr error, std::string_view task_name,
                                  const callable_ref& callable) noexcept {
    if (!active()) return error;
    env.stop = outer_;
    const bool passed = deadline_->disarm();
    if (passed && error != nullptr && !outer_->stop_requested() && ended_by_stop(error))
        return std::make_exception_ptr(timed_out(timed_out_text(limit_, task_text(task_name, callable))));
    return error;
}

}  // namespace cadre::detail
