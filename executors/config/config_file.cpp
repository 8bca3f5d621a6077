// Reads the bytes of a configuration file. toml_reader.cpp parses them, kind_options.cpp checks the keys of a kind.

#include <cadre/config.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace cadre {
namespace {

// Far larger than any configuration: the limit refuses a device that never ends.
constexpr std::size_t max_file_size = std::size_t{1} << 20;
// The limit of the wait for a pipe whose writer does not write.
constexpr int pipe_timeout_ms = 5000;

class open_file {
public:
    // Opened without blocking: otherwise the open of a pipe without a writer would wait.
    explicit open_file(const char* path) : name_(path), fd_(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (fd_ < 0) fail();
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() { ::close(fd_); }

    [[nodiscard]] std::string read_all() const {
        std::string text;
        for (char part[4096];;) {
            pollfd ready{fd_, POLLIN, 0};
            if (::poll(&ready, 1, pipe_timeout_ms) == 0) fail("nothing has been written to it for five seconds");
            const ssize_t n = ::read(fd_, part, sizeof part);
            if (n == 0) return text;
            if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (n < 0) fail();
            text.append(part, static_cast<std::size_t>(n));
            if (text.size() > max_file_size) fail("it is larger than 1 MiB");
        }
    }

private:
    [[noreturn]] void fail() const {
        fail(errno == EISDIR ? "it is a directory" : std::generic_category().message(errno));
    }
    [[noreturn]] void fail(const std::string& why) const { throw config_error(name_ + ": cannot be read: " + why); }

    std::string name_;
    int fd_;
};

}  // namespace

config config::load(const char* file) { return parse(open_file(file).read_all(), file); }
config config::load(const std::string& file) { return load(file.c_str()); }
config config::load(const std::filesystem::path& file) { return load(file.c_str()); }

}  // namespace cadre
