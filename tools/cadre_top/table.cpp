#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <cadre/executor_stats.hpp>

namespace cadre::top {

using detail::observation::executor;
using detail::observation::program;
using detail::observation::worker;

namespace {

constexpr std::size_t max_name = 40;

// Names come from the program: control characters must not reach the terminal.
std::string printable(std::string text) {
    if (text.size() > max_name) text = text.substr(0, max_name - 3) + "...";
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f; }, '?');
    return text.empty() ? "-" : text;
}

std::string with_unit(double value, const char* unit) {
    char text[32];
    std::snprintf(text, sizeof text, value < 9.95 ? "%.1f %s" : "%.0f %s", value, unit);
    return text;
}

std::string duration(double ns) {
    if (ns < 1e3) return with_unit(ns, "ns");
    if (ns < 1e6) return with_unit(ns / 1e3, "us");
    if (ns < 1e9) return with_unit(ns / 1e6, "ms");
    return with_unit(ns / 1e9, "s");
}

std::string size(std::uint64_t bytes) {
    const auto n = static_cast<double>(bytes);
    if (bytes == 0) return "-";
    if (n < 1024.0 * 1024) return with_unit(n / 1024, "KiB");
    if (n < 1024.0 * 1024 * 1024) return with_unit(n / (1024.0 * 1024), "MiB");
    return with_unit(n / (1024.0 * 1024 * 1024), "GiB");
}

std::string percentile(const executor& e, double percent) {
    duration_histogram h;
    std::ranges::copy(e.round_trips, h.buckets.begin());  // `decode` has checked the size
    return h.count() == 0 ? "-" : duration(static_cast<double>(h.percentile(percent).count()));
}

// Calls that ended per second.
std::string rate(const executor& e, const program& now, const program* before) {
    if (before == nullptr || before->time >= now.time) return "-";
    for (const executor& old : before->executors)
        if (old.name == e.name && old.kind == e.kind && old.done <= e.done)
            return std::to_string(static_cast<std::uint64_t>(static_cast<double>(e.done - old.done) * 1e9 /
                                                             static_cast<double>(now.time - before->time)));
    return "-";
}

// Columns as wide as their widest cell; some are left-aligned.
class columns {
public:
    explicit columns(std::vector<bool> left) : left_(std::move(left)) {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] std::string text(const std::string& margin) const {
        std::vector<std::size_t> width(left_.size());
        for (const auto& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i)
                width[i] = std::max(width[i], row[i].size());
        std::string all;
        for (const auto& row : rows_) {
            std::string line = margin;
            for (std::size_t i = 0; i < row.size(); ++i) {
                const std::string blanks(width[i] - row[i].size(), ' ');
                line += (i == 0 ? "" : "  ") + (left_[i] ? row[i] + blanks : blanks + row[i]);
            }
            line.erase(line.find_last_not_of(' ') + 1);
            all += line + '\n';
        }
        return all;
    }

private:
    std::vector<bool> left_;
    std::vector<std::vector<std::string>> rows_;
};

std::string state_of(const worker& w) {
    const bool known = w.state <= static_cast<std::uint8_t>(worker_activity::dying);
    return known ? to_string(static_cast<worker_activity>(w.state)) : "-";
}

std::string workers_of(const executor& e) {
    columns table({false, false, true, false, true, false, false, false});
    table.add({"WORKER", "PID", "STATE", "CALLS", "TASK", "FOR", "MEMORY", "PEAK"});
    for (const worker& w : e.per_worker) {
        const std::string number = '#' + std::to_string(w.task_id & ((std::uint64_t{1} << 40) - 1));
        table.add({std::to_string(w.index), std::to_string(w.pid), state_of(w), std::to_string(w.calls),
                   w.task_id == 0 ? "-" : printable(w.task_name) + ' ' + number,
                   w.running_for < 0 ? "-" : duration(static_cast<double>(w.running_for)), size(w.memory),
                   size(w.peak_memory)});
    }
    return table.text("  ");
}

}  // namespace

std::string table(const program& now, const program* before) {
    std::string text = printable(now.name) + ", pid " + std::to_string(now.pid) + "\n\n";
    columns executors({true, true, false, false, false, false, false, false, false, false, false, false});
    executors.add({"EXECUTOR", "KIND", "WORKERS", "QUEUED", "RUNNING", "DONE", "FAILED", "RETRIED", "RESTARTS",
                   "DONE/S", "P50", "P99"});
    for (const executor& e : now.executors)
        executors.add({printable(e.name), printable(e.kind), std::to_string(e.workers), std::to_string(e.queued),
                       std::to_string(e.running), std::to_string(e.done), std::to_string(e.failed),
                       std::to_string(e.retried), std::to_string(e.restarts), rate(e, now, before), percentile(e, 50),
                       percentile(e, 99)});
    text += executors.text("");
    for (const executor& e : now.executors)
        if (!e.per_worker.empty()) text += "\nworkers of " + printable(e.name) + "\n" + workers_of(e);
    return text;
}

}  // namespace cadre::top
