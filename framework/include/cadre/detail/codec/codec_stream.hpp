/// @file
/// The two ends of the wire format: an encoder that appends to a byte_buffer and a decoder that reads untrusted bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <cadre/detail/base/borrowed_run.hpp>
#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/errors.hpp>
#include <cadre/unique_fd.hpp>

namespace cadre::detail {

class memory_domain;

/// What is sent, or kept alive, in addition to the encoded bytes.
struct codec_context {
    memory_domain* domain = nullptr;
    void* user = nullptr;
    /// The objects of handles, which must outlive the use of the bytes.
    std::vector<std::shared_ptr<const void>> keep_alive{};
    /// The bytes own the objects of the handles in them, as bytes without a context do.
    bool bytes_own_objects = false;
    /// Encoding: receives the descriptors that are moved out of the value; encoding consumes the value. Null: no
    /// descriptor can be sent.
    std::vector<unique_fd>* descriptors = nullptr;
    /// Decoding: the descriptors that arrived with the bytes and are not decoded yet. An empty descriptor was lost in
    /// transit.
    unique_fd* arrived = nullptr;
    std::size_t arrived_count = 0;

    codec_context() noexcept;
    codec_context(codec_context&& other) noexcept;
    codec_context& operator=(codec_context&&) = delete;
    ~codec_context();
    void take_arrived(std::vector<unique_fd>& from) noexcept;
};

/// The limit of nesting, so that a hostile message cannot exhaust the stack.
inline constexpr unsigned max_nesting = 1000;

/// Runs of at least this many bytes are aligned. A copy whose target lies 1 to 15 bytes after its source modulo the
/// page size takes fourteen times as long on common processors, and page-sized blocks start at the same offset in their
/// pages.
inline constexpr std::size_t long_run = 1024;
inline constexpr std::size_t run_alignment = 16;

[[noreturn]] void throw_truncated();
[[noreturn]] void throw_bad_size();
[[noreturn]] void throw_malformed(const char* what);
[[noreturn]] void throw_decoded_too_deep();
[[noreturn]] void throw_encoded_too_deep();

class encoder {
public:
    /// @param borrowed  takes the long runs, which stay where they are; null: they are copied
    explicit encoder(byte_buffer& out, codec_context* context = nullptr, borrowed_runs* borrowed = nullptr) noexcept
        : out_(&out), context_(context), borrowed_(borrowed) {}

    void write(const void* bytes, std::size_t count) {
        if (count != 0) std::memcpy(out_->extend(count), bytes, count);
    }

    void write_byte(std::uint8_t value) { *out_->extend(1) = std::byte{value}; }

    /// Seven bits per byte, lowest first: most sizes take one byte.
    void write_size(std::uint64_t value) {
        while (value >= 0x80) {
            write_byte(static_cast<std::uint8_t>(value | 0x80));
            value >>= 7;
        }
        write_byte(static_cast<std::uint8_t>(value));
    }

    /// The bytes of many plain values. A long run begins at a multiple of `run_alignment`.
    void write_run(const void* bytes, std::size_t count) {
        if (count >= long_run)
            write_aligned_run(bytes, count);
        else
            write(bytes, count);
    }
    /// A run that begins at a multiple of `run_alignment`, whatever its length.
    void write_aligned_run(const void* bytes, std::size_t count);

    [[nodiscard]] byte_buffer& buffer() noexcept { return *out_; }
    [[nodiscard]] codec_context* context() noexcept { return context_; }

    void enter() {
        if (++depth_ > max_nesting) throw_encoded_too_deep();
    }
    void leave() noexcept { --depth_; }

private:
    byte_buffer* out_;
    codec_context* context_;
    borrowed_runs* borrowed_;
    std::size_t borrowed_bytes_ = 0;
    unsigned depth_ = 0;
};

class decoder {
public:
    explicit decoder(std::span<const std::byte> in, codec_context* context = nullptr) noexcept
        : decoder(in.data(), in.size(), context) {}
    decoder(const std::byte* bytes, std::size_t count, codec_context* context) noexcept
        : next_(bytes), end_(bytes + count), context_(context), grant_(count * 4 + 1024) {}

    /// The next `count` bytes, in place.
    [[nodiscard]] const std::byte* read(std::size_t count) {
        if (count > remaining()) throw_truncated();
        const std::byte* const bytes = next_;
        next_ += count;
        return bytes;
    }

    /// The bytes written by `write_run`; they need not be aligned here.
    [[nodiscard]] const std::byte* read_run(std::size_t count) {
        return count >= long_run ? read_aligned_run(count) : read(count);
    }
    /// Those written by `write_aligned_run`.
    [[nodiscard]] const std::byte* read_aligned_run(std::size_t count) {
        const std::uint8_t padding = read_byte();
        if (padding >= run_alignment) throw_malformed("the padding of a run is too long");
        (void)read(padding);
        return read(count);
    }

    [[nodiscard]] std::uint8_t read_byte() { return std::to_integer<std::uint8_t>(*read(1)); }

    [[nodiscard]] std::uint64_t read_size() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t byte = read_byte();
            if (shift == 63 && byte > 1) throw_bad_size();
            value |= std::uint64_t{byte & 0x7fu} << shift;
            if (byte < 0x80) return value;
        }
        throw_bad_size();
    }

    /// The number of elements that follow, each of at least `min_encoded_size` bytes. A count that the bytes left
    /// cannot hold is malformed.
    [[nodiscard]] std::size_t read_count(std::size_t min_encoded_size) {
        const std::uint64_t count = read_size();
        if (count > remaining() / min_encoded_size) throw_bad_size();
        return static_cast<std::size_t>(count);
    }

    /// The number of elements, at most `count`, for which a container may reserve memory before it reads them. All
    /// grants of one message together are a few times its size, however its counts are nested; beyond that a container
    /// grows as its elements are read.
    [[nodiscard]] std::size_t grant(std::size_t count, std::size_t element_size) noexcept {
        const std::size_t granted = std::min(count, grant_ / element_size);
        grant_ -= granted * element_size;
        return granted;
    }

    [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - next_); }
    [[nodiscard]] codec_context* context() noexcept { return context_; }

    void enter() {
        if (++depth_ > max_nesting) throw_decoded_too_deep();
    }
    void leave() noexcept { --depth_; }

private:
    const std::byte* next_;
    const std::byte* end_;
    codec_context* context_;
    std::size_t grant_;
    unsigned depth_ = 0;
};

/// One level of nesting of an encoder or decoder.
template <class Stream>
class nested {
public:
    explicit nested(Stream& stream) : stream_(stream) { stream_.enter(); }
    nested(const nested&) = delete;
    nested& operator=(const nested&) = delete;
    ~nested() { stream_.leave(); }

private:
    Stream& stream_;
};

}  // namespace cadre::detail
