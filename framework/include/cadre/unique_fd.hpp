/// @file
/// `unique_fd`: an owner of a file descriptor, which can be sent to worker processes as an argument or result of a
/// call.
///
///     cadre::unique_fd connection{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
///     auto served = co_await cadre::on(ex, serve_connection, std::move(connection));
#pragma once

#include <cstddef>
#include <utility>

#include <unistd.h>

namespace cadre {

/// Owns one file descriptor, or none (-1), and closes it. Move-only. Portable: in a call to another process the
/// receiver gets a descriptor of its own for the same open file, always close-on-exec, under another number. The
/// caller's descriptor stays open until the call has ended, so that the call can be repeated, and is then closed.
///
/// The arguments of one call carry at most `max_descriptors_per_call` descriptors, and so does a result. A channel
/// carries descriptors within one process only.
class [[nodiscard]] unique_fd {
public:
    unique_fd() noexcept = default;
    /// Takes the ownership of `fd`; negative: none.
    explicit unique_fd(int fd) noexcept : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~unique_fd() { reset(); }

    /// The number of the descriptor; -1: there is none.
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Gives the ownership up. @return the number of the descriptor, which the caller closes
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    /// Closes the descriptor, and takes the ownership of `fd`. `errno` is kept.
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) close_quietly(fd_);
        fd_ = fd;
    }
    friend void swap(unique_fd& a, unique_fd& b) noexcept { std::swap(a.fd_, b.fd_); }

private:
    static void close_quietly(int fd) noexcept;

    int fd_ = -1;
};

/// The maximum number of descriptors in the arguments of one call, or in its result. More are refused by
/// `not_portable`.
inline constexpr std::size_t max_descriptors_per_call = 120;

namespace detail {

class encoder;
class decoder;
template <class...>
struct type_list;
template <class T>
struct element_types_of;
template <class T>
struct codec;

template <>
struct element_types_of<unique_fd> {
    using type = type_list<>;
};

/// The bytes say whether there is a descriptor; the descriptors themselves are sent separately, in the same order.
template <>
struct codec<unique_fd> {
    static void encode(encoder& out, const unique_fd& fd);
    static unique_fd decode(decoder& in);
    static consteval std::size_t min_encoded_size() { return 1; }
};

/// @throws not_portable if `count` descriptors are too many for one call
void require_descriptor_count(std::size_t count);

}  // namespace detail

}  // namespace cadre
