/// @file
/// The memory of a `shared_segment`: a Boost.Interprocess segment manager, and the copy from which a dead
/// writer's changes are undone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/indexes/iset_index.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/offset_ptr.hpp>
#include <boost/interprocess/segment_manager.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>

namespace cadre::detail {

/// Without locks of its own: the lock of the segment protects it.
using segment_manager =
    boost::interprocess::segment_manager<char,
                                         boost::interprocess::rbtree_best_fit<boost::interprocess::null_mutex_family>,
                                         boost::interprocess::iset_index>;

/// Stands at the beginning of the segment's block, before the manager; the copy, if there is one, follows the manager's
/// memory. All functions but `make` require the segment's lock.
///
/// | word       | changed by                                             | to                                              |
/// | ---------- | ------------------------------------------------------ | ----------------------------------------------- |
/// | `writing_` | `begin_writing`, after the copy is complete (release)  | 1: what the manager holds may be half changed   |
/// |            | `end_writing` (release); `undo`, after the copy back   | 0: the manager's memory is consistent           |
///
/// A process may die at any instant: before 1 is stored nothing has been changed, and the copy back can be repeated.
class segment_core {
public:
    /// The bytes that a segment of `capacity` takes.
    [[nodiscard]] static std::size_t block_size(std::size_t capacity, bool recoverable) noexcept;
    /// The least capacity.
    [[nodiscard]] static std::size_t min_capacity() noexcept;
    /// In a zeroed block of `block_size`, aligned as a cell.
    static segment_core& make(void* block, std::size_t capacity, bool recoverable) noexcept;
    /// @throws not_portable if the block does not hold a segment
    static segment_core& open(void* block, std::size_t size);

    segment_core(const segment_core&) = delete;
    segment_core& operator=(const segment_core&) = delete;

    [[nodiscard]] segment_manager& manager() noexcept;
    [[nodiscard]] static segment_core& of(segment_manager& manager) noexcept;

    /// Whether a writer died in the middle of a change.
    [[nodiscard]] bool half_changed() const noexcept { return writing_.load(std::memory_order_acquire) != 0; }
    /// Restores what the manager held when the dead writer began.
    void undo() noexcept;
    void begin_writing() noexcept;
    void end_writing() noexcept { writing_.store(0, std::memory_order_release); }

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// The segment in a block that was checked by `open`.
    [[nodiscard]] static segment_core& at(void* block) noexcept { return *static_cast<segment_core*>(block); }

    /// Calls `f`, which uses the manager, until it fits. @throws std::bad_alloc if the segment is full
    template <class F>
    decltype(auto) growing(F f) {
        for (;;) {
            try {
                return f();
            } catch (const boost::interprocess::bad_alloc&) {  // the part in use is full
                if (!grow()) throw std::bad_alloc();
            }
        }
    }
    /// Lets the manager use more of the capacity: the copy takes what it uses. @return false if it uses all of it
    [[nodiscard]] bool grow() noexcept;
    /// @throws std::bad_alloc if the segment is full
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment);

private:
    segment_core(std::size_t capacity, bool recoverable) noexcept : capacity_(capacity), recoverable_(recoverable) {}
    [[nodiscard]] std::byte* memory() noexcept;
    /// Read once and bounded: another process may have damaged it.
    [[nodiscard]] std::size_t used() noexcept;

    std::atomic<std::uint32_t> writing_{0};
    std::size_t capacity_;
    bool recoverable_;
};

/// The allocator of containers in a segment; refers to the segment by an offset, so it works in every process.
template <class T>
class segment_allocator {
public:
    using value_type = T;
    using pointer = boost::interprocess::offset_ptr<T>;
    using const_pointer = boost::interprocess::offset_ptr<const T>;
    using void_pointer = boost::interprocess::offset_ptr<void>;
    using const_void_pointer = boost::interprocess::offset_ptr<const void>;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;

    segment_allocator(segment_manager* manager) noexcept
        : manager_(manager) {}  // NOLINT(*-explicit-*): as Interprocess's
    template <class U>
    segment_allocator(const segment_allocator<U>& other) noexcept
        : manager_(other.manager()) {}  // NOLINT(*-explicit-*)

    /// @throws std::bad_alloc if the segment is full
    [[nodiscard]] pointer allocate(size_type n) {
        if (n > std::numeric_limits<size_type>::max() / sizeof(T)) throw std::bad_alloc();
        return pointer(static_cast<T*>(segment_core::of(*manager_).allocate(n * sizeof(T), alignof(T))));
    }
    void deallocate(const pointer& p, size_type) noexcept {
        manager_->deallocate(boost::interprocess::ipcdetail::to_raw_pointer(p));
    }
    [[nodiscard]] segment_manager* manager() const noexcept { return manager_.get(); }

    template <class U>
    friend bool operator==(const segment_allocator& a, const segment_allocator<U>& b) noexcept {
        return a.manager() == b.manager();
    }

private:
    boost::interprocess::offset_ptr<segment_manager> manager_;
};

}  // namespace cadre::detail
