/// @file
/// Combines values that arrive in any order with an operation that is associative but need not be commutative.
#pragma once

#include <functional>
#include <iterator>
#include <list>
#include <optional>
#include <utility>

#include <cadre/detail/call/reduced_value.hpp>

namespace cadre::detail {

/// A list of runs in order: a run holds a combined value or is pending. Neighbouring values are combined as soon as
/// both are there, so that the list is never longer than twice the number of pending runs plus one.
template <class T, class Op>
class ordered_fold {
    using runs = std::list<std::optional<T>>;

public:
    using position = typename runs::iterator;

    /// Begins with `init` on the left of everything.
    ordered_fold(Op op, T init) : op_(std::move(op)) { runs_.emplace_back(std::move(init)); }

    /// Appends a pending run on the right.
    [[nodiscard]] position append() { return runs_.emplace(runs_.end()); }
    /// Gives a pending run its value; calls the operation at most twice. After an exception the fold is unusable.
    void set(position at, T value) {
        at->emplace(std::move(value));
        if (at != runs_.begin() && std::prev(at)->has_value()) at = join(std::prev(at));
        if (std::next(at) != runs_.end() && std::next(at)->has_value()) (void)join(at);
    }
    /// The combined value, when no run is pending.
    [[nodiscard]] T take() { return *std::move(runs_.front()); }

private:
    position join(position left) {
        const position right = std::next(left);
        T joined = reduced<T>(std::invoke(op_, *std::move(*left), *std::move(*right)));
        left->emplace(std::move(joined));
        runs_.erase(right);
        return left;
    }

    Op op_;
    runs runs_;
};

}  // namespace cadre::detail
