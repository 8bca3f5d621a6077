/// @file
/// What a dying worker leaves behind: signal, stack and module bases, in one shared page.
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

/// Where a program or library lies in a process.
struct module_record {
    std::uint64_t base = 0;  ///< load base: address minus base is the same in every process
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::array<std::uint8_t, max_build_id> build_id{};
    std::uint32_t build_id_size = 0;
};

/// The page. Written by the worker alone (modules at its start, the rest when it crashes), so the parent believes
/// nothing in it: read_crash_page copies and checks. A page is used for one worker at a time; zero it before reuse.
struct crash_page {
    std::uint32_t state;  ///< 0 nothing, 1 the handler has begun, 2 it has finished
    std::int32_t signal;
    std::int32_t code;  ///< si_code
    std::int32_t thread;
    std::uint64_t address;  ///< si_addr
    std::uint64_t program_counter;
    std::uint32_t allocation_failed;  ///< operator new found no memory since clear_failed_allocation()
    std::uint32_t module_count;
    std::array<std::uint64_t, max_crash_frames> frames;  ///< ends at the first zero
    std::array<module_record, max_crash_modules> modules;
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

/// In the worker: forgets an earlier failed allocation; call it when a task starts. A no-op without a crash page.
void clear_failed_allocation() noexcept;

/// In the worker: the new-handler while a memory limit is in force. Notes the failure and throws std::bad_alloc.
void record_failed_allocation();

/// A checked private copy of what a worker left.
struct crash_report {
    int signal = 0;  ///< 0: the handler did not run
    int code = 0;
    std::uint64_t address = 0;
    std::uint64_t program_counter = 0;
    bool allocation_failed = false;
    std::vector<std::uint64_t> frames{};
    std::vector<module_record> modules{};
};

/// In the parent: copies the page and drops what cannot be right. Never fails and never reads outside the page.
[[nodiscard]] crash_report read_crash_page(const crash_page& page);

/// In the parent: the stack in words, one frame a line, ` 0# function at file:line`; empty if there are no frames. The
/// first call takes 0.1 to 0.2 s, so call it off the loop, when somebody asks. Thread-safe, cached.
[[nodiscard]] std::string resolve_crash_stack(const crash_report& report);

}  // namespace cadre::detail::process_os
