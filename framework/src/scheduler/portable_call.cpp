// Defined once and not in every program that makes calls.

#include <cadre/detail/scheduler/portable_call.hpp>

namespace cadre::detail {

call_reply::call_reply() noexcept = default;
call_reply::call_reply(call_reply&& other) noexcept = default;
call_reply& call_reply::operator=(call_reply&& other) noexcept = default;
call_reply::~call_reply() = default;

portable_call::portable_call() = default;
portable_call::~portable_call() = default;

void portable_call::take_back(std::uint32_t /*from*/) noexcept {}
void portable_call::note_worker(pid_t pid) noexcept { worker_pid.store(pid, std::memory_order_relaxed); }

}  // namespace cadre::detail
