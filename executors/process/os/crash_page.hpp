/// @file
/// The crash record of a worker: signal, stack and module bases, or why it could not start, in one shared page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace cadre::detail::process_os {

inline constexpr std::size_t crash_page_size = 4096;
inline constexpr std::size_t max_crash_frames = 128;
inline constexpr std::size_t max_crash_modules = 56;
inline constexpr std::size_t max_build_id = 20;
inline constexpr std::size_t max_start_error = 200;

/// The position of the program or of a library in a process.
struct module_record {
    std::uint64_t base = 0;  ///< load base: address minus base is the same in every process
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::array<std::uint8_t, max_build_id> build_id{};
    std::uint32_t build_id_size = 0;
};

/// States of a crash page:
///
/// | state         | set by                      | to                                | order   |
/// | ------------- | --------------------------- | --------------------------------- | ------- |
/// | crash_none    | parent, before each worker  | the page is zero                  | none    |
/// | crash_begun   | the first crashing thread   | signal, code and address are valid| release |
/// | crash_written | the same thread             | the frames are complete           | release |
///
/// The parent reads the page after the worker's exit, which orders all of its writes.
enum crash_state : std::uint32_t { crash_none = 0, crash_begun = 1, crash_written = 2 };

/// The page. Only the worker writes it: the modules at its start, the rest when it crashes or cannot start. The parent
/// does not trust it: read_crash_page copies and checks. One worker at a time uses a page; zero it before reuse.
struct crash_page {
    std::uint32_t state;  ///< a crash_state
    std::int32_t signal;
    std::int32_t code;  ///< si_code
    std::int32_t thread;
    std::uint64_t address;  ///< si_addr
    std::uint64_t program_counter;
    std::uint32_t allocation_failed;  ///< 1 by a failing operator new, 0 by clear_failed_allocation(); relaxed
    std::uint32_t module_count;
    std::array<std::uint64_t, max_crash_frames> frames;  ///< ends at the first zero
    std::array<module_record, max_crash_modules> modules;
    std::uint32_t initializing;  ///< 1 once the worker runs code of the program
    std::int32_t start_errno;  ///< of `start_error`; 0: none
    std::array<char, max_start_error> start_error;  ///< why it could not start; ends at the first zero
};
static_assert(sizeof(crash_page) <= crash_page_size);
static_assert(std::is_trivially_copyable_v<crash_page>);

/// In the worker: records the modules and installs the handler of fatal signals for all threads, on a stack of its own
/// for this thread.
void install_crash_handler(crash_page& page);

/// In the worker: gives the calling thread a stack for the crash handler, so that a stack overflow leaves a trace too.
class crash_handler_stack {
public:
    crash_handler_stack();
    ~crash_handler_stack();
    crash_handler_stack(const crash_handler_stack&) = delete;
    crash_handler_stack& operator=(const crash_handler_stack&) = delete;

private:
    void* memory_;
};

/// In the worker: clears the record of a failed allocation; called when a task starts. A no-op without a crash page.
void clear_failed_allocation() noexcept;

/// In the worker: how many allocations have failed at the memory limit. Any thread.
[[nodiscard]] std::uint64_t failed_allocations() noexcept;

/// In the worker: the new-handler under a memory limit. Gives kept memory back, or records and throws std::bad_alloc.
void record_failed_allocation();

/// A checked private copy of a crash page.
struct crash_report {
    int signal = 0;  ///< 0: the handler did not run
    int code = 0;
    std::uint64_t address = 0;
    std::uint64_t program_counter = 0;
    bool allocation_failed = false;
    std::vector<std::uint64_t> frames{};
    std::vector<module_record> modules{};
    bool initializing = false;  ///< the worker had begun to run code of the program
    int start_errno = 0;
    std::string start_error{};  ///< empty: the worker did not record one
};

/// In the parent: copies the page and drops invalid entries. Never reads outside of the page.
[[nodiscard]] crash_report read_crash_page(const crash_page& page);

/// In the parent: the stack as text, one frame a line, ` 0# function at file:line`; empty without frames. The first
/// call takes 0.1 to 0.2 s: do not call it on a run loop. Thread-safe, cached.
[[nodiscard]] std::string resolve_crash_stack(const crash_report& report);

}  // namespace cadre::detail::process_os
