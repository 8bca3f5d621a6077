#include "process/parent/stop_requests.hpp"

#include <cadre/errors.hpp>

namespace cadre::detail::process_parent {

using process_plane::event;
using process_plane::event_kind;

void stop_requests::request(call_record& r, stop_reason why, ended_calls& ended) noexcept {
    if (why <= r.stop) return;
    r.stop = why;
    if (placement_.fail_unclaimed(r, std::make_exception_ptr(cancelled()), ended)) return;
    event e{};
    e.kind = event_kind::stop;
    e.id = call_table::ticket(r);
    e.items = static_cast<std::uint32_t>(why);
    r.worker->link.send_command(e);
    if (r.worker->link.flush()) deadlines_.tick_soon();
    if (why >= stop_reason::deadline && r.limit.kill_at == time_point{}) {
        r.limit.kill_at = std::chrono::steady_clock::now() + grace_;
        deadlines_.arm(r, r.limit.kill_at);
    }
}

void stop_requests::request_deferred(call_record& r, stop_reason why) noexcept {
    request(r, why, ended_);
    if (!ended_.empty()) deadlines_.wake_supervisor();
}

}  // namespace cadre::detail::process_parent
