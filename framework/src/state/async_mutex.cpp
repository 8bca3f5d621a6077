#include <cadre/async_mutex.hpp>

namespace cadre {

std::optional<async_mutex::guard> async_mutex::try_lock() const {
    if (lock_->has_waiters(0)) return std::nullopt;
    bool owner_died = false;
    const detail::op_status outcome = lock_->try_lock(owner_died);
    if (outcome == detail::op_status::would_block) return std::nullopt;
    detail::require_alive(outcome);
    return guard(detail::held_lock(lock_, owner_died));
}

async_mutex async_mutex::decode_handle(detail::decoder& in) { return async_mutex(detail::domain_of(in).take_lock(in)); }

}  // namespace cadre
