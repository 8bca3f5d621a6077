#include "process/parent/worker_report.hpp"

#include "process/os/unique_fd.hpp"
#include "process/parent/reports.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

namespace {

worker_activity activity_of(const worker_connection& c, std::uint64_t running) noexcept {
    switch (c.stage) {
        case worker_stage::starting: return worker_activity::starting;
        case worker_stage::retiring: return worker_activity::retiring;
        case worker_stage::leaving: return worker_activity::leaving;
        case worker_stage::dying: return worker_activity::dying;
        case worker_stage::ready: break;
    }
    if (running != 0) return worker_activity::busy;
    return c.calls.empty() ? worker_activity::idle : worker_activity::waiting;
}

// The worker writes both words, perhaps at this moment.
time_point begin_of(const worker_connection& c, std::uint64_t id) noexcept {
    const auto& words = c.link.control();
    if (words.begun.load(std::memory_order_relaxed) != id) return {};
    const std::int64_t at = words.begun_at.load(std::memory_order_relaxed);
    return std::min(time_point(std::chrono::nanoseconds(std::max<std::int64_t>(at, 0))),
                    std::chrono::steady_clock::now());
}

// `VmRSS:      1234 kB`
std::size_t field(std::string_view text, std::string_view name) noexcept {
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return 0;
    text.remove_prefix(at + name.size());
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    std::size_t kilobytes = 0;
    std::from_chars(text.data(), text.data() + text.size(), kilobytes);
    return kilobytes * 1024;
}

}  // namespace

worker_stats describe_worker(const placement& calls, const worker_connection& c) {
    worker_stats w;
    w.index = c.index;
    w.pid = c.os.pid;
    const std::uint64_t running = c.link.running();
    w.state = activity_of(c, running);
    for (const call_record& r : c.calls) {
        ++w.calls;
        if (running != 0 && r.id == running) w.running = running_task{r.id, short_name(calls, r), begin_of(c, r.id)};
    }
    return w;
}

void read_memory(worker_stats& w) noexcept {
    char text[4096];
    const std::string path = "/proc/" + std::to_string(w.pid) + "/status";
    const process_os::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t n = ::read(file.get(), text, sizeof text);
    if (n <= 0) return;
    const std::string_view status(text, static_cast<std::size_t>(n));
    w.memory = field(status, "\nVmRSS:");
    w.peak_memory = field(status, "\nVmHWM:");
}

}  // namespace cadre::detail::process_parent
