#include <cadre/timeout.hpp>

namespace cadre::detail {

void timeout_stop::end(const environment& parent, const promise_base& ended) {
    const bool passed = deadline_.disarm();
    const bool parent_stopped = parent.stop != nullptr && parent.stop->stop_requested();
    if (passed && ended.failed() && !parent_stopped && ended_by_stop(ended.error()))
        throw timed_out(timed_out_text(limit_, task_name_));
}

}  // namespace cadre::detail
