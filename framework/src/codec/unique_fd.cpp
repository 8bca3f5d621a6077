#include <cadre/unique_fd.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <cadre/detail/codec/codec_sums.hpp>
#include <cadre/errors.hpp>

namespace cadre {

void unique_fd::close_quietly(int fd) noexcept {
    const int before = errno;
    ::close(fd);
    errno = before;
}

namespace detail {

void codec<unique_fd>::encode(encoder& out, const unique_fd& fd) {
    out.write_byte(fd ? 1 : 0);
    if (!fd) return;
    codec_context* const context = out.context();
    if (context == nullptr || context->descriptors == nullptr)
        throw not_portable(
            "a file descriptor leaves its process only as an argument or result of a call, not in a channel between "
            "processes, in an exception, or in the function of a map");
    if (::fcntl(fd.get(), F_GETFD) < 0)
        throw std::system_error(errno, std::system_category(),
                                "file descriptor " + std::to_string(fd.get()) + " cannot be sent");
    context->descriptors->emplace_back();
    // A context with descriptors is given only with a value that ends with its encoding: see codec_context.
    std::swap(context->descriptors->back(), const_cast<unique_fd&>(fd));
}

unique_fd codec<unique_fd>::decode(decoder& in) {
    if (!read_presence(in)) return {};
    codec_context* const context = in.context();
    if (context == nullptr || context->arrived_count == 0) throw_malformed("it lacks a file descriptor");
    unique_fd fd = std::move(*context->arrived++);
    --context->arrived_count;
    if (!fd)
        throw std::system_error(EMFILE, std::system_category(),
                                "a file descriptor was lost, because the process that it was sent to had no free one");
    return fd;
}

codec_context::codec_context() noexcept = default;
codec_context::codec_context(codec_context&& other) noexcept = default;
codec_context::~codec_context() = default;

void codec_context::take_arrived(std::vector<unique_fd>& from) noexcept {
    arrived = from.data();
    arrived_count = from.size();
}

void require_descriptor_count(std::size_t count) {
    if (count <= max_descriptors_per_call) return;
    throw not_portable(std::to_string(count) +
                       " file descriptors are too many for one call: its arguments carry at most " +
                       std::to_string(max_descriptors_per_call) + ", and so does its result");
}

}  // namespace detail

}  // namespace cadre
