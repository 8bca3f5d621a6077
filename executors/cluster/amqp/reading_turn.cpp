#include "reading_turn.hpp"

#include <array>

#include <poll.h>

#include "base/doorbell.hpp"

namespace cadre::detail::amqp {

bool reading_turn::receive(clock::time_point now, inbound& message) {
    if (!readable_ && !connection_.has_unread() && now - entered_ < half_heartbeat_) return false;
    entered_ = now;
    readable_ = false;
    return connection_.receive(message);
}

void reading_turn::wait(int bell) noexcept {
    if (connection_.has_unread()) return;
    std::array<pollfd, 2> waited{pollfd{connection_.descriptor(), POLLIN, 0}, pollfd{bell, POLLIN, 0}};
    if (::poll(waited.data(), waited.size(), static_cast<int>(half_heartbeat_.count())) <= 0) return;
    readable_ = waited[0].revents != 0;
    if (waited[1].revents != 0) doorbell::clear(bell);
}

void reading_turn::poll() noexcept {
    pollfd polled{connection_.descriptor(), POLLIN, 0};
    readable_ = ::poll(&polled, 1, 0) > 0;
}

}  // namespace cadre::detail::amqp
