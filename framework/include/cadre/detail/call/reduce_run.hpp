/// @file
/// One running `reduce`: sends chunks as jobs and combines their values in input order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/first_failure.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/map_pace.hpp>
#include <cadre/detail/call/map_run.hpp>
#include <cadre/detail/call/ordered_fold.hpp>
#include <cadre/detail/call/reduce_chunk.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/job.hpp>
#include <cadre/map_options.hpp>

namespace cadre::detail {

/// `resolve_options` for a reduction, in which a chunk is one call: a limit counts for each item, so with a limit, also
/// one of the executor, a chunk is one item.
[[nodiscard]] map_options resolve_reduction(const map_options& options, const executor& ex);

/// The state of one reduction; a local of its coroutine, driven by `drive_chunks`. Holds one value for each chunk in
/// flight, never one for each item.
template <bool Remote, class F, class Op, class Item, class T>
class reduce_run {
    using bound = item_bound<F, Item>;
    using reducer = bound_reducer<T, Item, F, Op>;
    using fold = ordered_fold<T, Op>;

public:
    /// For the coroutine that sends the items.
    using locals = frame_for<Item, T>;

    reduce_run(const executor& ex, const F& f, const Op& op, T init, const map_options& options,
               std::optional<std::size_t> total, const stop_state* stop)
        : options_(resolve_reduction(options, ex)),
          ex_(ex.with_options(chunk_options(ex, options_, options_.retries, false))), function_({}, {f, op}),
          stop_(stop), fold_(op, std::move(init)),
          window_(options_, ex.concurrency(), total,
                  {.coroutine = bound::coroutine, .repeatable = has_repeatable_order(*ex.backend())}),
          queue_(std::make_shared<completion_queue>()) {}

    [[nodiscard]] bool wants_more() noexcept {
        return failed_chunk_ == none && (stop_ == nullptr || !stop_->stop_requested()) && window_.wants_more();
    }
    [[nodiscard]] bool idle() const noexcept { return window_.idle(); }
    [[nodiscard]] completion_queue& completions() noexcept { return *queue_; }

    /// Sends the next items of the input, up to a chunk. Throws what the input throws, when the items before it have
    /// been sent; what the encoding of a chunk throws.
    template <class Iterator, class Sentinel>
    void send_next(Iterator& at, const Sentinel& end) {
        std::vector<Item> items;
        std::exception_ptr input_error;
        // Items with file descriptors travel singly: a chunk is one call, which carries a limited number of them.
        std::size_t n = descriptors_in<Item> == descriptor_content::some ? 1 : window_.chunk();
        try {
            for (; n > 0 && at != end; --n, ++at)
                items.push_back(make_item<Item>(*at));
        } catch (...) {
            if (items.empty()) throw;
            input_error = std::current_exception();
        }
        const std::size_t count = items.size();
        const auto run = fold_.append();
        in_flight_.emplace_back(sent_, count, run, start_chunk(std::move(items)));
        chunk& c = in_flight_.back();
        c.self = std::prev(in_flight_.end());
        sent_ += count;
        window_.sent(count);
        job_access::state(c.work)->notify(queue_, c);
        if (input_error != nullptr) std::rethrow_exception(input_error);
    }
    /// The input has failed after the items that were sent, as the next item would: those before it run to their end.
    void fail_input(const std::exception_ptr& error) noexcept {
        failure_.add(sent_, error);
        failed_chunk_ = std::min(failed_chunk_, sent_);
    }
    void flush() const noexcept {}

    void collect(completion_queue::nodes& completed) {
        while (completion_queue::node* const node = completed.pop_front()) {
            auto& c = static_cast<chunk&>(*node);
            settle(c);
            window_.completed(c.items);
            in_flight_.erase(c.self);
        }
        window_.report();
    }
    /// Asks everything in flight to stop; nothing more is sent.
    void stop_all() noexcept {
        failed_chunk_ = 0;
        for (const chunk& c : in_flight_)
            c.work.request_stop();
    }
    void rethrow_failure() const { failure_.rethrow(); }
    [[nodiscard]] T take_result() { return fold_.take(); }

private:
    struct chunk : completion_queue::node {
        chunk(std::size_t first_index, std::size_t count, typename fold::position position, job<T>&& started)
            : first(first_index), items(count), run(position), work(std::move(started)) {}
        std::size_t first;  // index of its first item in the input
        std::size_t items;
        typename fold::position run;
        job<T> work;
        typename std::list<chunk>::iterator self;
    };
    [[nodiscard]] job<T> start_chunk(std::vector<Item>&& items) {
        if constexpr (Remote) {
            return spawn(ex_, function_, sent_, std::move(items));
        } else {
            using call = packaged_call_for<const reducer&, std::size_t, std::vector<Item>>;
            return job<T>(start_local_job(ex_, call(std::in_place, function_, sent_, std::move(items))));
        }
    }
    // Chunks below a failed one run to their end: one of them may fail as well, and a plain loop would have reported
    // that failure.
    void settle(chunk& c) {
        const auto& state = job_access::state(c.work);
        try {
            state->add_origin(", items " + std::to_string(c.first) + " to " + std::to_string(c.first + c.items - 1));
            T value = state->take();
            if (failed_chunk_ == none) fold_.set(c.run, std::move(value));
        } catch (...) {
            failure_.add(c.first, std::current_exception());
            if (c.first >= failed_chunk_) return;
            failed_chunk_ = c.first;
            for (const chunk& other : in_flight_)
                if (other.first > c.first) other.work.request_stop();
        }
    }

    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    map_options options_;
    executor ex_;
    reducer function_;
    const stop_state* stop_;
    std::size_t failed_chunk_ = none;  // index of the first item of the lowest chunk that has failed
    fold fold_;
    map_window window_;
    std::shared_ptr<completion_queue> queue_;  // shared with the jobs' work
    std::list<chunk> in_flight_;
    std::size_t sent_ = 0;  // items
    first_failure failure_;
};

}  // namespace cadre::detail
