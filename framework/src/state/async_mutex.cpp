#include <cadre/async_mutex.hpp>

#include <stdexcept>

namespace cadre {

std::optional<async_mutex::guard> async_mutex::try_lock() const {
    bool owner_died = false;
    const detail::op_status outcome = detail::try_take<detail::lock_mode::simple>(*lock_, owner_died);
    if (outcome == detail::op_status::would_block) return std::nullopt;
    detail::require_alive(outcome);
    return guard(detail::held_lock(lock_, owner_died));
}

async_mutex async_mutex::decode_handle(detail::decoder& in) { return async_mutex(detail::domain_of(in).take_lock(in)); }

void detail::throw_waits_for_itself() {
    throw std::logic_error("cadre: a task waits for a lock that it holds itself; a lock is not recursive");
}

}  // namespace cadre
