#include <cadre/detail/state/cell_array.hpp>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/state/cell_guard.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

// Differences of pointers into the array must fit, too.
constexpr std::size_t max_bytes = std::numeric_limits<std::size_t>::max() / 2;

std::size_t product(std::size_t a, std::size_t b) {
    if (b != 0 && a > max_bytes / b) throw std::bad_alloc();
    return a * b;
}

}  // namespace

std::size_t element_count(std::span<const std::size_t> extents) {
    std::size_t count = 1;
    for (const std::size_t extent : extents)
        count = product(count, extent);
    return count;
}

std::size_t byte_size(std::span<const std::size_t> extents, std::size_t element_size) {
    return product(element_count(extents), element_size);
}

void encode_extents(encoder& out, std::span<const std::size_t> extents) {
    for (const std::size_t extent : extents)
        out.write_size(extent);
}

void decode_extents(decoder& in, std::span<std::size_t> extents) {
    for (std::size_t& extent : extents)
        extent = static_cast<std::size_t>(in.read_size());
}

void throw_out_of_range() { throw std::out_of_range("cadre::shared_array: the index is out of range"); }

std::shared_ptr<shared_block> checked_block(std::shared_ptr<shared_block> block, std::size_t size,
                                            std::size_t alignment) {
    if (block->size() < size || reinterpret_cast<std::uintptr_t>(block->data()) % alignment != 0)
        throw codec_error("a handle of a shared cell does not fit the memory that it names");
    return block;
}

}  // namespace cadre::detail
