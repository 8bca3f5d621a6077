/// @file
/// The calls that wait in the parent for a worker.
#pragma once

#include "process/parent/call_record.hpp"

#include <cstddef>
#include <map>

namespace cadre::detail::process_parent {

/// The calls that wait in the parent for a worker: by priority, first in first out within one.
class call_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// The calls that `max_pending` counts.
    [[nodiscard]] std::size_t pending() const noexcept { return size_ - windowed_; }

    void push_back(call_record& r) {
        lists_[-r.call->options.priority].push_back(r);
        count(r, 1);
    }
    /// For a call that returns from a worker.
    void push_front(call_record& r) {
        lists_[-r.call->options.priority].push_front(r);
        count(r, 1);
    }
    /// The first call for which `accepts` is true.
    template <class F>
    [[nodiscard]] call_record* find_first(F accepts) const noexcept {
        for (const auto& [priority, list] : lists_)
            for (call_record& r : list)
                if (accepts(r)) return &r;
        return nullptr;
    }
    void remove(call_record& r) noexcept {
        lists_.find(-r.call->options.priority)->second.remove(r);
        count(r, -1);
    }
    [[nodiscard]] bool has_nested() const noexcept { return nested_ != 0; }
    /// The first one that a task in a worker waits for.
    [[nodiscard]] call_record* first_nested() const noexcept {
        for (const auto& [priority, list] : lists_)
            for (call_record& r : list)
                if (r.nested) return &r;
        return nullptr;
    }

private:
    void count(const call_record& r, int by) noexcept {
        size_ += static_cast<std::size_t>(by);
        if (r.nested) nested_ += static_cast<std::size_t>(by);
        if (r.call->options.windowed) windowed_ += static_cast<std::size_t>(by);
    }

    std::map<int, call_list> lists_;  // by falling priority
    std::size_t size_ = 0;
    std::size_t nested_ = 0;
    std::size_t windowed_ = 0;
};

}  // namespace cadre::detail::process_parent
