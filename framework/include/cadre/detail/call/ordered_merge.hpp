/// @file
/// Combines the values of intervals that several threads complete in any order.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include <cadre/detail/call/reduced_value.hpp>

namespace cadre::detail {

/// The values of intervals [first, end) of indices, each index in one interval. Values of intervals that touch are
/// combined, in the order of the indices, so it holds no more values than there are gaps, plus one. Thread-safe.
template <class T>
class ordered_merge {
public:
    /// Adds the value of [`first`, `end`). `op`, which is the caller's own, runs on the calling thread, outside of the
    /// lock. @throws what `op` throws: then indices are missing
    template <class Op>
    void add(std::size_t first, std::size_t end, T value, Op& op) {
        for (;;) {
            std::unique_lock hold(mutex_);
            const auto right = runs_.lower_bound(first);
            if (right != runs_.end() && right->first == end) {
                const auto node = runs_.extract(right);
                hold.unlock();
                value = reduced<T>(std::invoke(op, std::move(value), std::move(node.mapped().value)));
                end = node.mapped().end;
            } else if (right != runs_.begin() && std::prev(right)->second.end == first) {
                const auto node = runs_.extract(std::prev(right));
                hold.unlock();
                value = reduced<T>(std::invoke(op, std::move(node.mapped().value), std::move(value)));
                first = node.key();
            } else {
                runs_.emplace(first, run{end, std::move(value)});
                return;
            }
        }
    }
    /// The value of all indices, when every one has been added: there is at least one.
    [[nodiscard]] T take() { return std::move(runs_.begin()->second.value); }

private:
    struct run {
        std::size_t end;
        T value;
    };
    std::mutex mutex_;  // a leaf
    std::map<std::size_t, run> runs_;
};

}  // namespace cadre::detail
