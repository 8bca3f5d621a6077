#include "process/os/process_title.hpp"

#include "process/os/syscalls.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>

#include <linux/prctl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace cadre::detail::process_os {

namespace {

// Fields of /proc/self/stat by their numbers in proc(5).
class process_stat {
public:
    process_stat() {
        std::string text;
        std::getline(std::ifstream("/proc/self/stat"), text);
        const std::size_t end_of_name = text.rfind(')');
        if (end_of_name == std::string::npos) return;
        std::istringstream rest(text.substr(end_of_name + 1));
        std::string state;
        rest >> state;  // field 3
        // As text first: the stream would need 14 KiB of stack for the conversion of a type that holds all of them.
        std::string field;
        for (std::size_t i = 4; i != fields_.size() && rest >> field; ++i)
            fields_[i] = std::strtoull(field.c_str(), nullptr, 10);
        complete_ = static_cast<bool>(rest);
    }
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] std::uint64_t operator[](std::size_t field) const noexcept { return fields_[field]; }

private:
    std::array<std::uint64_t, 52> fields_{};  // some are negative: those are not used
    bool complete_ = false;
};

void set_command_line(const std::string& text) {
    // A second thread could move the end of the heap, which is set again below.
    if (thread_count() != 1) return;
    const process_stat stat;
    if (!stat.complete()) return;
    // Kept for the life of the process: the kernel reads it.
    static std::string* const line = new std::string;
    *line = std::string(program_invocation_short_name) + ": " + text;
    const auto begin = reinterpret_cast<std::uint64_t>(line->c_str());
    prctl_mm_map map{};
    map.start_code = stat[26];
    map.end_code = stat[27];
    map.start_stack = stat[28];
    map.start_data = stat[45];
    map.end_data = stat[46];
    map.start_brk = stat[47];
    map.brk = reinterpret_cast<std::uint64_t>(::sbrk(0));
    map.arg_start = begin;
    map.arg_end = begin + line->size() + 1;
    map.env_start = stat[50];
    map.env_end = stat[51];
    map.exe_fd = static_cast<__u32>(-1);
    ::prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

}  // namespace

void set_process_title(const std::string& text) noexcept {
    ::prctl(PR_SET_NAME, text.c_str(), 0, 0, 0);
    try {
        set_command_line(text);
    } catch (const std::exception&) {
        // The command line stays.
    }
}

}  // namespace cadre::detail::process_os
