// The parent's side of the crash page: copies, checks and symbolizes it.

#include "process/os/crash_modules.hpp"
#include "process/os/crash_page.hpp"

// One libbacktrace state for the process, because per-thread states are never freed. The mutex below guards it.
#define BOOST_STACKTRACE_BACKTRACE_FORCE_STATIC
#include <boost/stacktrace/frame.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

namespace cadre::detail::process_os {
namespace {

constexpr std::size_t max_cached = 4096;
constexpr std::size_t max_line_length = 2048;

bool same_module(const module_record& theirs, const module_record& ours) {
    if (theirs.build_id_size != ours.build_id_size || theirs.end - theirs.begin != ours.end - ours.begin ||
        theirs.begin - theirs.base != ours.begin - ours.base) {
        return false;
    }
    // Without a build-id only the modules of a forked worker can be identified: they have the same base as ours.
    return ours.build_id_size > 0 ? theirs.build_id == ours.build_id : theirs.base == ours.base;
}

// The worker's address translated to this process; 0 if it is in no module that both have loaded.
std::uint64_t rebase(std::uint64_t address, const crash_report& report, const std::vector<module_record>& ours) {
    const module_record* theirs = find_module(report.modules, address);
    if (theirs == nullptr) return 0;
    const auto it = std::ranges::find_if(ours, [&](const module_record& m) { return same_module(*theirs, m); });
    return it != ours.end() ? it->begin + (address - theirs->begin) : 0;
}

std::string hexadecimal(std::uint64_t address) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(address));
    return text;
}

std::string describe(std::uint64_t address) {
    const boost::stacktrace::frame frame{reinterpret_cast<const void*>(address)};
    std::string text = frame.name();
    if (text.empty()) text = hexadecimal(address);
    const std::string file = frame.source_file();
    if (const std::size_t line = frame.source_line(); !file.empty() && line > 0)
        text += " at " + file + ':' + std::to_string(line);
    text.resize(std::min(text.size(), max_line_length));
    return text;
}

class symbolizer {
public:
    std::string operator()(std::uint64_t address) {
        const std::lock_guard lock{mutex_};
        if (const auto it = known_.find(address); it != known_.end()) return it->second;
        if (known_.size() >= max_cached) known_.clear();
        return known_.emplace(address, describe(address)).first->second;
    }

private:
    std::mutex mutex_;  // a leaf: guards the table
    std::map<std::uint64_t, std::string> known_;
};

// Reads each shared word exactly once.
void copy_once(const crash_page& from, crash_page& to) {
    static_assert(sizeof from % sizeof(std::uint64_t) == 0);
    const auto* source = reinterpret_cast<const volatile std::uint64_t*>(&from);
    auto* bytes = reinterpret_cast<unsigned char*>(&to);
    for (std::size_t i = 0; i < sizeof from / sizeof(std::uint64_t); ++i) {
        const std::uint64_t word = source[i];
        std::memcpy(bytes + i * sizeof word, &word, sizeof word);
    }
}

}  // namespace

crash_report read_crash_page(const crash_page& page) {
    crash_page copy;
    copy_once(page, copy);
    crash_report report;
    report.allocation_failed = copy.allocation_failed != 0;
    report.initializing = copy.initializing != 0;
    report.start_errno = copy.start_errno;
    report.start_error.assign(copy.start_error.begin(), std::ranges::find(copy.start_error, '\0'));
    if (copy.state == crash_none || copy.state > crash_written || copy.signal <= 0 || copy.signal > 64) return report;
    report.signal = copy.signal;
    report.code = copy.code;
    report.address = copy.address;
    report.program_counter = copy.program_counter;
    const auto end = std::ranges::find(copy.frames, std::uint64_t{0});
    report.frames.assign(copy.frames.begin(), end);
    const std::size_t modules = std::min<std::size_t>(copy.module_count, max_crash_modules);
    for (std::size_t i = 0; i < modules; ++i) {
        const module_record& module = copy.modules[i];
        if (module.base <= module.begin && module.begin < module.end && module.build_id_size <= max_build_id)
            report.modules.push_back(module);
    }
    return report;
}

std::string resolve_crash_stack(const crash_report& report) {
    static symbolizer symbolize;
    const std::vector<module_record> ours = loaded_modules(std::size_t{1} << 16);
    std::vector<std::uint64_t> frames = report.frames;
    // If the program counter is not in mapped code, unwinding started at the caller: the program counter is prepended.
    if (report.program_counter != 0 && !frames.empty() && frames.front() != report.program_counter)
        frames.insert(frames.begin(), report.program_counter);
    std::string text;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        char number[32];
        std::snprintf(number, sizeof number, "%2zu# ", i);
        // All frames but the innermost are return addresses, which may belong to the next line or function.
        const std::uint64_t address = rebase(frames[i] - (i > 0), report, ours);
        text += number + (address != 0 ? symbolize(address) : hexadecimal(frames[i])) + '\n';
    }
    return text;
}

}  // namespace cadre::detail::process_os
