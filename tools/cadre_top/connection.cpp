#include "connection.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include <cadre/unique_fd.hpp>

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace cadre::top {

namespace fs = std::filesystem;
using detail::observation::name_prefix;

namespace {

// A program replies within microseconds, unless it is stopped.
constexpr timeval reply_limit{2, 0};

std::string process(pid_t pid) { return "process " + std::to_string(pid); }

[[noreturn]] void refuse_by_errno(pid_t pid, int error) {
    if (error == ENOENT || error == ESRCH) throw refused("there is no " + process(pid));
    if (error == EACCES || error == EPERM) throw refused(process(pid) + " belongs to another user");
    throw refused(process(pid) + ": " + std::strerror(error));
}

// The inodes of the open sockets of the process.
std::set<std::string> sockets_of(pid_t pid) {
    constexpr std::string_view before = "socket:[";
    std::error_code error;
    fs::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", error);
    if (error) refuse_by_errno(pid, error.value());
    std::set<std::string> found;
    for (; !error && files != fs::directory_iterator(); files.increment(error)) {
        std::error_code closed;  // in the meantime
        const std::string target = fs::read_symlink(files->path(), closed).string();
        if (target.starts_with(before)) found.insert(target.substr(before.size(), target.size() - before.size() - 1));
    }
    return found;
}

// The names of those sockets in the abstract namespace that have the prefix of the library.
std::vector<std::string> names_of(pid_t pid, const std::set<std::string>& inodes) {
    std::ifstream table("/proc/" + std::to_string(pid) + "/net/unix");
    std::vector<std::string> found;
    std::string line;
    while (std::getline(table, line)) {
        // Num RefCount Protocol Flags Type St Inode Path
        std::istringstream words(line);
        std::string skipped;
        std::string inode;
        std::string path;
        for (int i = 0; i < 6; ++i)
            words >> skipped;
        if (!(words >> inode >> path) || !inodes.contains(inode)) continue;
        if (path.starts_with('@') && std::string_view(path).substr(1).starts_with(name_prefix))
            found.push_back(path.substr(1));
    }
    return found;
}

std::string version_of(const std::string& name) {
    const std::string rest = name.substr(name_prefix.size());
    return rest.substr(0, rest.find('.'));
}

bool other_network(pid_t pid) {
    std::error_code ignored;
    const fs::path theirs = fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/net", ignored);
    const fs::path ours = fs::read_symlink("/proc/self/ns/net", ignored);
    return !theirs.empty() && theirs != ours;
}

void read_all(int socket, void* to, std::size_t size, pid_t pid) {
    auto* at = static_cast<char*>(to);
    while (size != 0) {
        const ssize_t n = ::recv(socket, at, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            throw refused(process(pid) + " does not respond: it is stopped or overloaded");
        if (n <= 0) throw refused(process(pid) + " closed the connection: it has ended, or it rejects this user");
        at += n;
        size -= static_cast<std::size_t>(n);
    }
}

}  // namespace

connection::connection(pid_t pid) : pid_(pid) {
    const std::vector<std::string> names = names_of(pid, sockets_of(pid));
    if (names.empty()) throw refused(process(pid) + " is not a cadre program, or its runtime has ended");
    const std::string own = std::to_string(detail::observation::version);
    for (const std::string& name : names)
        if (version_of(name) == own) name_ = name;
    if (name_.empty())
        throw refused(process(pid) + " uses another version of cadre (protocol " + version_of(names.front()) +
                      ", this cadre-top: " + own + "): use the cadre-top that was installed with it");
    if (other_network(pid))
        throw refused(process(pid) + " is in another network namespace: run cadre-top there (nsenter --net)");
}

detail::observation::program connection::observe() const {
    const unique_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) throw refused(std::string("socket: ") + std::strerror(errno));
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &reply_limit, sizeof reply_limit);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &reply_limit, sizeof reply_limit);  // of connect, too
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name_.size() + 1 > sizeof address.sun_path) throw refused(process(pid_) + " has a malformed socket");
    std::memcpy(address.sun_path + 1, name_.data(), name_.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        if (errno == EAGAIN || errno == EINPROGRESS)
            throw refused(process(pid_) + " does not respond: it is stopped or overloaded");
        throw refused(process(pid_) + " has ended");
    }
    // The listening process must be the requested one.
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid != pid_)
        throw refused(process(pid_) + " is not a cadre program: its socket belongs to process " +
                      std::to_string(peer.pid));
    std::uint64_t bytes = 0;
    read_all(socket.get(), &bytes, sizeof bytes, pid_);
    if (bytes > detail::observation::max_size) throw refused(process(pid_) + " sent a malformed reply");
    std::vector<std::byte> reply(static_cast<std::size_t>(bytes));
    read_all(socket.get(), reply.data(), reply.size(), pid_);
    try {
        return detail::observation::decode(reply);
    } catch (const std::exception&) {
        throw refused(process(pid_) + " sent a malformed reply");
    }
}

}  // namespace cadre::top
