/// @file
/// The memory that all processes of a program share: a sparse memfd, mapped by each at any address.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/mapped_memory.hpp"
#include "shm/region_shape.hpp"

namespace cadre::detail::shm {

/// Owns the mapping, and the descriptor if it was made by `create`.
class region {
public:
    /// @throws std::system_error
    [[nodiscard]] static region create(const region_options& options = {});
    /// Maps a region that another process made. The caller keeps the descriptor, and keeps it open while `commit` is
    /// used.
    /// @throws std::system_error if the descriptor cannot be mapped or its size is not that of such a region
    [[nodiscard]] static region attach(int fd, const region_shape& shape);

    region(region&& other) noexcept;
    region& operator=(region&&) = delete;
    ~region();

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] const region_shape& shape() const noexcept { return map_.shape(); }
    [[nodiscard]] unsigned slots() const noexcept { return map_.shape().slots; }
    [[nodiscard]] std::uint64_t arena_size(unsigned slot) const noexcept { return map_.shape().arena_size(slot); }
    [[nodiscard]] const arena_layout& layout(unsigned slot) const noexcept { return map_.layout(slot); }

    [[nodiscard]] region_header& header() const noexcept { return *at<region_header>(0); }
    [[nodiscard]] process_entry& process(unsigned slot) const noexcept {
        return *at<process_entry>(region_map::process_offset(slot));
    }
    [[nodiscard]] arena_header& arena(unsigned slot) const noexcept { return *at<arena_header>(arena_offset(slot)); }
    [[nodiscard]] half_word& unit(unsigned slot, std::uint64_t index) const noexcept {
        return *at<half_word>(arena_offset(slot) + layout(slot).unit_table + index * sizeof(half_word));
    }
    [[nodiscard]] object_entry& object(unsigned slot, std::uint64_t index) const noexcept {
        return *at<object_entry>(arena_offset(slot) + layout(slot).object_table + index * sizeof(object_entry));
    }
    /// What far processes have to do with that object; null in a region without far slots.
    [[nodiscard]] far_record* far(unsigned slot, std::uint64_t index) const noexcept {
        return slots() > near_slots ? at<far_record>(map_.far_offset(slot, index)) : nullptr;
    }
    [[nodiscard]] std::uint64_t arena_offset(unsigned slot) const noexcept { return map_.arena_offset(slot); }
    [[nodiscard]] std::uint64_t unit_offset(unsigned slot, std::uint64_t index) const noexcept {
        return arena_offset(slot) + layout(slot).first_unit + index * unit_size;
    }
    /// The slot whose arena contains `offset`; `slots()` if no arena does.
    [[nodiscard]] unsigned slot_of(std::uint64_t offset) const noexcept { return map_.slot_of(offset); }
    [[nodiscard]] std::uint64_t offset_of(const void* address) const noexcept {
        return static_cast<std::uint64_t>(static_cast<const std::byte*>(address) -
                                          static_cast<const std::byte*>(mapped_.get_address()));
    }

    /// Unchecked: `offset` is from this process, or was checked.
    template <class T>
    [[nodiscard]] T* at(std::uint64_t offset) const noexcept {
        return reinterpret_cast<T*>(static_cast<std::byte*>(mapped_.get_address()) + offset);
    }
    /// Allocates memory for the bytes, which keep their values. @return false if the system has none left
    [[nodiscard]] bool commit(std::uint64_t offset, std::uint64_t size) const noexcept;
    /// How many bytes from `address` on have memory; reading others would allocate it.
    [[nodiscard]] std::uint64_t written_from(const void* address) const noexcept;
    /// This process will not use these bytes soon: they keep their values, but no longer count as its memory. Whole
    /// pages.
    void release_view(std::uint64_t offset, std::uint64_t size) const noexcept;
    /// Returns memory to the system; the bytes read as zero afterwards. Whole pages.
    void discard(std::uint64_t offset, std::uint64_t size) const noexcept;

private:
    region(int fd, bool owns, mapped_region mapped, const region_shape& shape) noexcept;

    int fd_ = -1;
    bool owns_fd_ = false;
    mapped_region mapped_;
    region_map map_;
};

}  // namespace cadre::detail::shm
