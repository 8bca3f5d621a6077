#include "runtime/observer.hpp"

#include "base/doorbell.hpp"
#include "base/process_owner.hpp"
#include "base/random_bytes.hpp"
#include "base/signals_blocked.hpp"
#include "runtime/observation.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <cadre/unique_fd.hpp>

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace cadre::detail {

namespace {

// How long a client may take to read its reply: others wait meanwhile.
constexpr timeval send_limit{1, 0};
// If the process has no descriptor for a connection.
constexpr timespec retry_pause{0, 100'000'000};

std::string random_name() {
    std::string name(1, '\0');
    name += observation::name_prefix;
    name += std::to_string(observation::version) + '.';
    std::array<std::byte, 16> bytes{};
    fill_random(bytes.data(), bytes.size());
    for (const std::byte b : bytes) {
        constexpr const char* digits = "0123456789abcdef";
        name += digits[std::to_integer<unsigned>(b) >> 4];
        name += digits[std::to_integer<unsigned>(b) & 15];
    }
    return name;
}

unique_fd listen_somewhere() {
    unique_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = random_name();
    static_assert(sizeof address.sun_path > 64);
    std::memcpy(address.sun_path, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(socket.get(), 4) != 0) {
        return {};
    }
    return socket;
}

// Checks the credentials of the peer, which the kernel provides: names of the abstract namespace have no permissions.
bool may_observe(int connection) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof peer &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

bool send_all(int connection, std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t n = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

void answer(int connection) {
    const byte_buffer bytes = observation::encode(observation::observe());
    if (bytes.size() > observation::max_size) return;
    ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &send_limit, sizeof send_limit);
    const std::uint64_t size = bytes.size();
    static_cast<void>(send_all(connection, std::as_bytes(std::span(&size, 1))) && send_all(connection, bytes.span()));
}

}  // namespace

struct observer::state {
    explicit state(unique_fd s) : socket(std::move(s)) {}

    void run() noexcept {
        for (;;) {
            std::array<pollfd, 2> wanted{{{socket.get(), POLLIN, 0}, {end.descriptor(), POLLIN, 0}}};
            if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
            if (wanted[1].revents != 0 || (wanted[0].revents & (POLLERR | POLLNVAL)) != 0) return;
            const unique_fd connection(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!connection) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) ::nanosleep(&retry_pause, nullptr);
                continue;
            }
            try {
                if (may_observe(connection.get())) answer(connection.get());
            } catch (const std::exception&) {  // no memory: this one gets no answer
            }
        }
    }

    const process_owner owner{};
    const unique_fd socket;
    const doorbell end{};
    std::thread thread{};
};

std::shared_ptr<observer> observer::start() noexcept {
    static std::mutex mutex;  // a leaf, but for the end of an observer that has just been dropped
    static auto* const only = new std::weak_ptr<observer>;
    try {
        const std::lock_guard hold(mutex);
        if (auto running = only->lock(); running != nullptr && running->state_->owner.here()) return running;
        unique_fd socket = listen_somewhere();
        if (!socket) return nullptr;
        auto s = std::make_unique<state>(std::move(socket));
        const signals_blocked blocked;
        try {
            s->thread = std::thread([at = s.get()] { at->run(); });
        } catch (const std::system_error&) {  // no thread is left
        }
        if (!s->thread.joinable()) return nullptr;
        ::pthread_setname_np(s->thread.native_handle(), "cadre-observe");
        std::shared_ptr<observer> made(new observer(std::move(s)));
        *only = made;
        return made;
    } catch (const std::exception&) {  // no memory or descriptor
        return nullptr;
    }
}

observer::observer(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}

observer::~observer() {
    if (!state_->owner.here()) {
        static_cast<void>(state_.release());  // a fork: the thread is its parent's
        return;
    }
    state_->end.ring();
    state_->thread.join();
}

}  // namespace cadre::detail
