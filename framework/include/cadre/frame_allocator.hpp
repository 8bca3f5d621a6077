/// @file
/// The source of the memory of coroutine frames: a custom allocator behind the pool of recycled frames.
///
///     int main(int argc, char** argv) {
///         cadre::set_frame_allocator({.allocate = my_allocate, .deallocate = my_deallocate});
///         cadre::runtime rt(argc, argv);
///         return rt.run(app(rt.executor()));
///     }
#pragma once

#include <cstddef>

namespace cadre {

/// Two thread-safe functions. Frames are recycled by size class and thread in front of them, so one call serves many
/// frames; a thread returns its recycled frames when it ends.
struct frame_allocator {
    /// Returns `size` bytes, a multiple of 64, aligned for any type that is not over-aligned. Throws `std::bad_alloc`
    /// on failure, and no other exception.
    void* (*allocate)(std::size_t size);
    /// Frees memory that `allocate(size)` returned.
    void (*deallocate)(void* memory, std::size_t size) noexcept;
};

/// Replaces the global `operator new` and `delete` for the frames of all tasks of this process. Call it first in
/// `main`. Worker processes run `main` up to the `runtime`, or are copies of a process that did, so they use the
/// allocator too.
///
/// @throws std::logic_error after the first frame was allocated, which would be freed by the wrong allocator
/// @throws std::invalid_argument if a function is null
void set_frame_allocator(const frame_allocator& allocator);

}  // namespace cadre
