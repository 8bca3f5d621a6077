#include "process/worker/task_output.hpp"

#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>

#include <stdio_ext.h>

namespace cadre::detail::process_worker {

namespace {

// Longer lines are written in parts.
constexpr std::size_t longest_line = std::size_t{64} << 10;
// While std::cout has the buffer that it has at the start, it writes through stdout and keeps nothing itself.
const std::streambuf* synchronised = nullptr;

}  // namespace

void write_output_by_line() noexcept {
    static char buffer[longest_line];
    std::setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
    synchronised = std::cout.rdbuf();
}

void flush_task_output() noexcept {
    if (std::cout.rdbuf() != synchronised) {
        try {
            std::cout.flush();
        } catch (const std::exception&) {  // a stream that throws on failure has lost its output
        }
    }
    if (::__fpending(stdout) != 0) std::fflush(stdout);
}

}  // namespace cadre::detail::process_worker
