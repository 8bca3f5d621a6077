#include "state/remote_locks.hpp"

#include <cadre/detail/state/lock_operation.hpp>

#include "state/blocking_request.hpp"
#include "state/remote_domain.hpp"

namespace cadre::detail {

op_status remote_shared_lock::attempt(home_op op, bool& owner_died) noexcept {
    const home_reply reply = ask(op, {});
    if (reply.lost) undo(op, reply.ticket);
    owner_died = reply.owner_died();
    return reply.outcome;
}

op_status remote_shared_lock::try_lock(bool& owner_died) noexcept { return attempt(home_op::try_lock, owner_died); }
op_status remote_shared_lock::try_lock_shared(bool& owner_died) noexcept {
    return attempt(home_op::try_lock_shared, owner_died);
}

bool remote_shared_lock::park(pending_operation& p) noexcept {
    const bool shares = p.try_now == &lock_wait::retry<lock_mode::shared>;
    return begin(p, shared_from_this(), shares ? home_op::lock_shared : home_op::lock, {});
}

void remote_shared_lock::take(pending_operation& p, home_op, std::uint64_t, decoder& in) {
    static_cast<lock_wait&>(p).owner_died = detail::take<std::uint64_t>(in) != 0;
}

void remote_shared_lock::undo(home_op op, std::uint64_t ticket) noexcept {
    if (op == home_op::lock_shared || op == home_op::try_lock_shared)
        unlock_shared();
    else
        tell(home_op::undo_lock, ticket);
}

}  // namespace cadre::detail
