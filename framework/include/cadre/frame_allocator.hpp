/// @file
/// Where the memory of coroutine frames comes from: a custom allocator behind the pool of recycled frames.
///
///     int main(int argc, char** argv) {
///         cadre::set_frame_allocator({.allocate = my_allocate, .deallocate = my_deallocate});
///         cadre::runtime rt(argc, argv);
///         return rt.run(app(rt.executor()));
///     }
#pragma once

#include <cstddef>

namespace cadre {

/// Two functions that are called by any thread, also at the same time. Frames are recycled by size class and thread in
/// front of them, so they see one call for many frames; what a thread keeps goes back when it ends.
struct frame_allocator {
    /// Gives `size` bytes, a multiple of 64, aligned for any type that is not over-aligned. Throws `std::bad_alloc` when it
    /// has none, and nothing else.
    void* (*allocate)(std::size_t size);
    /// Takes back what `allocate(size)` gave.
    void (*deallocate)(void* memory, std::size_t size) noexcept;
};

/// Replaces the global `operator new` and `delete` for the frames of all tasks of this process. Call it first in `main`:
/// throws `std::logic_error` once a frame has been allocated, because that would go back to the wrong allocator, and
/// `std::invalid_argument` if a function is missing. Worker processes run `main` up to the `runtime`, or are copies of a
/// process that did, and so have it too.
void set_frame_allocator(const frame_allocator& allocator);

}  // namespace cadre
