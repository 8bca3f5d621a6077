#include "process/parent/task_dumps.hpp"

#include <algorithm>

namespace cadre::detail::process_parent {

std::uint64_t task_dumps::begin() {
    const std::lock_guard hold(mutex_);
    answers_.clear();
    return ++request_;
}

void task_dumps::answer(std::uint64_t request, std::uint64_t serial, std::span<const std::byte> text) {
    {
        const std::lock_guard hold(mutex_);
        if (request != request_ || answers_.contains(serial)) return;
        std::string& copy = answers_[serial];
        copy.assign(reinterpret_cast<const char*>(text.data()), text.size());
        std::ranges::replace_if(copy, [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7f; }, '?');
    }
    arrived_.notify_all();
}

std::string task_dumps::collect(const std::vector<target>& workers, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock hold(mutex_);
    arrived_.wait_until(hold, deadline, [&] { return answers_.size() >= workers.size(); });
    std::string all;
    for (const target& w : workers) {
        const auto found = answers_.find(w.serial);
        all += "  " + w.title + (found != answers_.end() ? ":\n" : ": does not respond\n");
        if (found == answers_.end()) continue;
        all += found->second.empty() ? "    no task\n" : found->second;
        if (all.back() != '\n') all += '\n';
    }
    ++request_;  // later answers are dropped
    return all;
}

}  // namespace cadre::detail::process_parent
