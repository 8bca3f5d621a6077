/// @file
/// The memory that all processes of a program share: a sparse memfd, mapped by each at any address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mapped_memory.hpp"
#include "shm/layout.hpp"

namespace cadre::detail::shm {

struct region_options {
    /// The maximum number of processes at the same time, the parent included; 0: several per core.
    unsigned slots = 0;
    /// Address space per process in bytes; memory is committed on use. Halved until the system grants it.
    std::uint64_t arena_size = 0;
};

/// Owns the mapping, and the descriptor if it was made by `create`.
class region {
public:
    /// @throws std::system_error
    [[nodiscard]] static region create(const region_options& options = {});
    /// Maps a region for `slots` processes that another process made. The caller keeps the descriptor, and keeps it open while `commit` is used.
    /// @throws std::system_error if the descriptor cannot be mapped or its size is not that of such a region
    [[nodiscard]] static region attach(int fd, unsigned slots);

    region(region&& other) noexcept;
    region& operator=(region&&) = delete;
    ~region();

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] unsigned slots() const noexcept { return slots_; }
    [[nodiscard]] std::uint64_t arena_size() const noexcept { return arena_size_; }
    [[nodiscard]] const arena_layout& layout() const noexcept { return layout_; }

    [[nodiscard]] region_header& header() const noexcept { return *at<region_header>(0); }
    [[nodiscard]] process_entry& process(unsigned slot) const noexcept;
    [[nodiscard]] arena_header& arena(unsigned slot) const noexcept { return *at<arena_header>(arena_offset(slot)); }
    [[nodiscard]] half_word& unit(unsigned slot, std::uint64_t index) const noexcept;
    [[nodiscard]] object_entry& object(unsigned slot, std::uint64_t index) const noexcept;
    [[nodiscard]] std::uint64_t arena_offset(unsigned slot) const noexcept { return first_arena_ + slot * arena_size_; }
    [[nodiscard]] std::uint64_t unit_offset(unsigned slot, std::uint64_t index) const noexcept {
        return arena_offset(slot) + layout_.first_unit + index * unit_size;
    }
    /// The slot in whose arena `offset` lies; `slots()` if in none.
    [[nodiscard]] unsigned slot_of(std::uint64_t offset) const noexcept;

    /// Unchecked: `offset` is from this process, or was checked.
    template <class T>
    [[nodiscard]] T* at(std::uint64_t offset) const noexcept {
        return reinterpret_cast<T*>(static_cast<std::byte*>(mapped_.get_address()) + offset);
    }
    /// Allocates memory for the bytes. @return false if the system has none left
    [[nodiscard]] bool commit(std::uint64_t offset, std::uint64_t size) const noexcept;
    /// How many bytes from `address` on have memory; reading others would allocate it.
    [[nodiscard]] std::uint64_t written_from(const void* address) const noexcept;
    /// This process will not use these bytes soon: they stay, but count no longer as memory of this process. Whole pages.
    void release_view(std::uint64_t offset, std::uint64_t size) const noexcept;
    /// Returns memory to the system; the bytes read as zero afterwards. Whole pages.
    void discard(std::uint64_t offset, std::uint64_t size) const noexcept;

private:
    region(int fd, bool owns, mapped_region mapped, unsigned slots, std::uint64_t arena_size) noexcept;

    int fd_ = -1;
    bool owns_fd_ = false;
    mapped_region mapped_;
    unsigned slots_ = 0;
    std::uint64_t arena_size_ = 0;
    std::uint64_t first_arena_ = 0;
    arena_layout layout_;
};

}  // namespace cadre::detail::shm
