#include "doorbell.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace cadre::detail {

doorbell::doorbell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
}

doorbell::doorbell(doorbell&& other) noexcept : fd_(other.release()) {}

doorbell& doorbell::operator=(doorbell&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

doorbell::~doorbell() {
    if (fd_ >= 0) ::close(fd_);
}

int doorbell::release() noexcept { return std::exchange(fd_, -1); }

bool doorbell::ring(int descriptor) noexcept {
    const std::uint64_t one = 1;
    return ::write(descriptor, &one, sizeof one) >= 0 || errno == EAGAIN || errno == EINTR;
}

void doorbell::clear(int descriptor) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(descriptor, &count, sizeof count);
}

void doorbell::wait(int descriptor, std::optional<std::chrono::steady_clock::time_point> deadline) noexcept {
    using std::chrono::nanoseconds;
    timespec left{};
    if (deadline) {
        const auto d = std::max(nanoseconds(0), nanoseconds(*deadline - std::chrono::steady_clock::now()));
        left.tv_sec = static_cast<time_t>(d.count() / 1'000'000'000);
        left.tv_nsec = static_cast<long>(d.count() % 1'000'000'000);
    }
    pollfd p{descriptor, POLLIN, 0};
    if (::ppoll(&p, 1, deadline ? &left : nullptr, nullptr) > 0) clear(descriptor);
}

}  // namespace cadre::detail
