/// @file
/// `reduce` of a plain function on a local executor, over a range that any thread can index.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/ordered_merge.hpp>
#include <cadre/detail/call/parallel_loop.hpp>
#include <cadre/detail/call/reduced_value.hpp>
#include <cadre/detail/call/run_limit.hpp>

namespace cadre::detail {

/// One reduction while it runs. Each runner combines the results of the indices that it runs one after the other; where
/// its next index does not follow, it hands the value over.
template <class F, class Op, class Item, class Iterator, class T>
class local_reduce final : public parallel_loop {
public:
    local_reduce(std::shared_ptr<executor_backend> backend, const F& f, const Op& op, Iterator first, settings s)
        : parallel_loop(std::move(backend), std::move(s), callable_of(f)), function_(f), first_(std::move(first)) {
        partials_.reserve(runner_count());
        for (std::size_t i = 0; i != runner_count(); ++i)
            partials_.emplace_back(op);
    }
    /// When the loop has run without an error.
    [[nodiscard]] T take(T init, Op& op) {
        for (partial& p : partials_)
            hand_over(p);
        return reduced<T>(std::invoke(op, std::move(init), merged_.take()));
    }

private:
    /// What a runner has combined: the value of [first, end). On a cache line of its own.
    struct alignas(64) partial {
        explicit partial(const Op& o) : op(o) {}
        Op op;
        std::size_t first = 0;
        std::size_t end = 0;
        std::optional<T> value;
    };

    std::size_t run_batch(runner& r, std::size_t first, std::size_t last) noexcept override {
        partial& mine = partials_[r.number()];
        std::size_t i = first;
        try {
            for (; i != last; ++i) {
                if (!r.begin(i)) return i;
                if (mine.end != i) hand_over_or_fail(mine);
                T value = item_limit().count() > 0 ? call_limited(r, i) : call(i);
                if (mine.value)
                    *mine.value = reduced<T>(std::invoke(mine.op, *std::move(mine.value), std::move(value)));
                else
                    begin(mine, i, std::move(value));
                mine.end = i + 1;
            }
        } catch (...) {
            mine.value.reset();  // the operation may have moved from it before it threw
            fail(i, std::current_exception());
            return i + 1;
        }
        return last;
    }
    // What the operation throws is a failure of the last index of `p`: those of this batch may be below it, and run.
    void hand_over_or_fail(partial& p) noexcept {
        try {
            hand_over(p);
        } catch (...) {
            fail(p.end - 1, std::current_exception());
        }
    }
    static void begin(partial& p, std::size_t first, T&& value) {
        p.first = first;
        p.value.emplace(std::move(value));
    }
    [[nodiscard]] T call(std::size_t i) const {
        return reduced<T>(apply_to_item<F, Item>(function_, first_[static_cast<std::iter_difference_t<Iterator>>(i)]));
    }
    [[nodiscard]] T call_limited(runner& r, std::size_t i) {
        run_limit limit(item_limit());
        limit.begin(r.env());
        std::optional<T> value;
        std::exception_ptr error;
        try {
            value.emplace(call(i));
        } catch (...) {
            error = std::current_exception();
        }
        error = limit.end(r.env(), std::move(error), name(), callable());
        if (error != nullptr) std::rethrow_exception(error);
        return *std::move(value);
    }
    void hand_over(partial& p) {
        if (!p.value) return;
        T value = *std::move(p.value);
        p.value.reset();
        merged_.add(p.first, p.end, std::move(value), p.op);
    }

    const F& function_;
    Iterator first_;
    std::vector<partial> partials_;  // by runner
    ordered_merge<T> merged_;
};

}  // namespace cadre::detail
