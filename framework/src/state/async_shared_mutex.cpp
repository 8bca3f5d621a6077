#include <cadre/async_shared_mutex.hpp>

namespace cadre {

using detail::lock_mode;
using detail::op_status;

template <lock_mode Mode>
std::optional<async_shared_mutex::basic_guard<Mode>> async_shared_mutex::attempt() const {
    bool owner_died = false;
    const op_status outcome = detail::try_take<Mode>(*lock_, owner_died);
    if (outcome == op_status::would_block) return std::nullopt;
    detail::require_alive(outcome);
    return basic_guard<Mode>(detail::held_lock(lock_.use(), owner_died, Mode));
}

std::optional<async_shared_mutex::guard> async_shared_mutex::try_lock() const {
    return attempt<lock_mode::exclusive>();
}
std::optional<async_shared_mutex::shared_guard> async_shared_mutex::try_lock_shared() const {
    return attempt<lock_mode::shared>();
}

async_shared_mutex async_shared_mutex::decode_handle(detail::decoder& in) {
    return async_shared_mutex(detail::domain_of(in).take_shared_lock(in));
}

}  // namespace cadre
