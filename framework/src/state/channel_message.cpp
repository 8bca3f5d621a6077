#include <cadre/detail/channel_message.hpp>

#include <utility>

namespace cadre::detail {

namespace {

// Larger buffers are not worth holding on to in every thread that ever sent something big.
constexpr std::size_t kept_capacity = std::size_t{1} << 20;

byte_buffer& kept() noexcept {
    static thread_local byte_buffer buffer;
    return buffer;
}

}  // namespace

// While it is borrowed the thread's buffer is empty: an operation within an operation gets a fresh one.
scratch_buffer::scratch_buffer() noexcept : bytes_(std::move(kept())) { bytes_.clear(); }

scratch_buffer::~scratch_buffer() {
    if (bytes_.capacity() > kept().capacity() && bytes_.capacity() <= kept_capacity) kept() = std::move(bytes_);
}

}  // namespace cadre::detail
