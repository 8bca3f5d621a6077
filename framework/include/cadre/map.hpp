/// @file
/// `map`, `map_outcomes`, `reduce`: apply a function to every item of a range, on an executor.
///
///     auto sizes = co_await cadre::map(ex, count_words, files);
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/call/local_map.hpp>
#include <cadre/detail/call/map_chunk.hpp>
#include <cadre/detail/call/map_driver.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/on.hpp>
#include <cadre/outcome.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// A range as a map keeps it: an lvalue is referred to, an rvalue is owned.
template <class R>
class kept_range {
public:
    explicit kept_range(R&& range) : range_(std::forward<R>(range)) {}
    [[nodiscard]] std::remove_reference_t<R>& get() noexcept { return range_; }

private:
    R range_;
};

template <class>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<outcome<T>> = true;

template <class R>
using item_of = std::decay_t<std::ranges::range_value_t<std::remove_reference_t<R>>>;

/// Everything one map has while it runs; a local of its coroutine.
template <class F, class Item>
class map_run {
    using bound = item_bound<F, Item>;
    using result = typename bound::result;
    using remote = remote_chunk<F, Item>;
    using local = local_chunk<F, Item>;

public:
    map_run(executor ex, const F& f, const map_options& options, std::optional<std::size_t> total, stop_state* stop,
            bool fail_fast)
        : ex_(std::move(ex)), function_(f), options_(options), name_(options.name), total_(total),
          pace_(options, ex_.concurrency(), total, bound::coroutine), stop_(stop), fail_fast_(fail_fast),
          remote_(ex_.backend()->remote()) {
        if (name_.empty()) name_ = ex_.options().name;
        if (total) outcomes_.reserve(*total);
        if (remote_) batch_.reserve(largest_batch);
        limit_ = options.timeout.count() > 0 ? options.timeout : ex_.options().timeout;
    }

    [[nodiscard]] bool wants_more() noexcept {
        if (stopping_ || stop_.stop_requested()) return false;
        filling_ = in_flight_ < (filling_ ? pace_.window() : pace_.refill_below());
        return filling_;
    }
    [[nodiscard]] bool idle() const noexcept { return in_flight_ == 0; }
    [[nodiscard]] std::size_t chunk() const noexcept { return limit_.count() > 0 ? 1 : pace_.chunk(); }
    [[nodiscard]] auto take_ended() noexcept { return inbox_.take(); }

    /// Sends the next items of the input, up to a chunk.
    template <class Iterator, class Sentinel>
    void send_next(Iterator& at, const Sentinel& end) {
        const std::size_t first = outcomes_.size();
        const std::size_t n = chunk();
        if (remote_) {
            auto c = free_.empty() ? std::make_unique<remote>(ex_.backend(), inbox_) : std::move(free_.back());
            if (!free_.empty()) free_.pop_back();
            c->begin(function_, first);
            for (std::size_t i = 0; i < n && at != end; ++i, ++at) {
                c->add(function_, make_item<Item>(*at));
                outcomes_.emplace_back();
            }
            c->retries_left = options_.retries;
            start(std::move(c));
        } else {
            std::vector<Item> items;
            for (std::size_t i = 0; i < n && at != end; ++i, ++at) {
                items.push_back(make_item<Item>(*at));
                outcomes_.emplace_back();
            }
            in_flight_ += items.size();
            auto* c = new local(ex_, name_, function_, std::move(items), stop_, limit_, inbox_);  // until it comes back
            c->first = first;
            c->launch();
        }
    }

    /// Submits what `send_next` has left: many calls at a time cost one look at the queues and one wake.
    void flush() noexcept {
        if (batch_.empty()) return;
        ex_.backend()->submit(std::span<portable_call* const>(batch_));
        for (portable_call* c : batch_)
            static_cast<remote*>(c)->submitted();
        batch_.clear();
    }

    void collect(chunk_inbox::chunk* ended) {
        while (ended != nullptr) {
            auto* c = static_cast<map_chunk*>(ended);
            ended = ended->next_ended;
            if (remote_)
                collect_remote(std::unique_ptr<remote>(static_cast<remote*>(c)));
            else
                collect_local(std::unique_ptr<local>(static_cast<local*>(c)));
        }
        if (options_.progress) options_.progress(done_, total_.value_or(0));
    }

    /// The first failure in input order, but what only ended because we stopped it comes last.
    [[nodiscard]] std::exception_ptr first_failure() const {
        std::exception_ptr stopped;
        for (const auto& o : outcomes_) {
            if (!o || o->has_value()) continue;
            if (!is_cancelled(o->error())) return o->error();
            if (stopped == nullptr) stopped = o->error();
        }
        return stopped;
    }
    [[nodiscard]] std::vector<std::optional<outcome<result>>>& outcomes() noexcept { return outcomes_; }
    void fail_everything() noexcept {
        stopping_ = true;
        stop_.request_stop();
    }

private:
    void start(std::unique_ptr<remote> c) {
        call_options settings = ex_.options();
        settings.name = name_;
        settings.timeout = {};
        settings.retries = c->items == 1 ? c->retries_left : 0;
        c->prepare(stop_, limit_, std::move(settings));
        in_flight_ += c->items;
        remote* const sent = c.release();  // comes back through the inbox
        if (!sent->admit()) return;
        batch_.push_back(sent);
        // What is ready does not wait for a range that takes its time.
        const auto now = std::chrono::steady_clock::now();
        if (batch_.size() < largest_batch && now - flushed_at_ < longest_batch) return;
        flushed_at_ = now;
        flush();
    }
    void finished(std::size_t items) {
        in_flight_ -= items;
        done_ += items;
        pace_.completed(items);
    }
    void set(std::size_t index, outcome<result>&& o) {
        if (!o.has_value() && fail_fast_ && !stopping_) fail_everything();
        outcomes_[index].emplace(std::move(o));
    }
    void collect_local(std::unique_ptr<local> c) {
        const bool limited = c->limit_passed();
        for (std::size_t i = 0; i < c->outcomes.size(); ++i) {
            auto& o = c->outcomes[i];
            if (limited && !o.has_value() && ended_by_stop(o.error())) o = std::make_exception_ptr(timed_out{});
            set(c->first + i, std::move(o));
        }
        finished(c->outcomes.size());
    }
    void collect_remote(std::unique_ptr<remote> c) {
        c->settle();
        const bool limited = c->limit_passed();
        if (c->reply.kind == reply_kind::exception) {
            // The chunk as a whole could not be read or run.
            fail_from(*c, 0, read_error(c->reply));
        } else {
            std::uint32_t read = 0;
            try {
                c->read_values(outcomes_);
                read = c->reply.kind == reply_kind::value ? c->items : std::min(c->reply.items_done, c->items);
            } catch (...) {
                fail_from(*c, 0, std::current_exception());
                recycle(std::move(c));
                return;
            }
            note_failures(*c, read, limited);
            if (c->reply.kind == reply_kind::failure) handle_failure(*c, read, limited);
        }
        recycle(std::move(c));
    }
    void note_failures(const remote& c, std::uint32_t n, bool limited) {
        for (std::uint32_t i = 0; i < n; ++i) {
            auto& o = *outcomes_[c.first + i];
            if (o.has_value()) continue;
            if (limited && ended_by_stop(o.error())) o = outcome<result>(std::make_exception_ptr(timed_out{}));
            if (fail_fast_ && !stopping_) fail_everything();
        }
    }
    // The worker died (or the executor stopped) in the middle of a chunk: what was committed counts, the item that ran
    // fails or is repeated alone, the rest, which never ran, is sent again.
    void handle_failure(remote& c, std::uint32_t at, bool limited) {
        std::exception_ptr error = c.reply.error;
        const bool death = is_worker_death(error);
        if (limited && ended_by_stop(error)) error = std::make_exception_ptr(timed_out{});
        if (!death || stopping_) return fail_from(c, at, error);
        if (c.items > 1 && c.retries_left > 0 && at < c.items) {
            auto again = std::make_unique<remote>(ex_.backend(), inbox_);
            again->begin(function_, c.first + at);
            again->add_one(c, at);
            again->retries_left = c.retries_left - 1;
            start(std::move(again));
            in_flight_ -= 1;
        } else if (at < c.items) {
            set(c.first + at, outcome<result>(error));
            finished(1);
        }
        finished(at);
        if (at + 1 >= c.items) return;
        const std::uint32_t rest = c.items - at - 1;
        in_flight_ -= rest;
        if (stopping_) {
            for (std::uint32_t i = at + 1; i < c.items; ++i)
                outcomes_[c.first + i].emplace(std::make_exception_ptr(cancelled{}));
            done_ += rest;
            return;
        }
        auto again = std::make_unique<remote>(ex_.backend(), inbox_);
        again->begin(function_, c.first + at + 1);
        again->add_rest(c, at + 1);
        again->retries_left = c.retries_left;
        start(std::move(again));
    }
    void fail_from(const remote& c, std::uint32_t from, const std::exception_ptr& error) {
        for (std::uint32_t i = from; i < c.items; ++i)
            set(c.first + i, outcome<result>(error));
        accounted_ = true;
        finished(c.items);
    }
    void recycle(std::unique_ptr<remote> c) {
        if (!std::exchange(accounted_, false) && c->reply.kind == reply_kind::value) finished(c->items);
        if (free_.size() < 4096 && !c->limited()) free_.push_back(std::move(c));
    }
    [[nodiscard]] static std::exception_ptr read_error(call_reply& reply) {
        try {
            read_reply<void>(reply);
        } catch (...) {
            return std::current_exception();
        }
        return nullptr;
    }

    static constexpr std::size_t largest_batch = 64;  // the first are on their way while more are encoded
    static constexpr std::chrono::microseconds longest_batch{50};

    executor ex_;
    const F& function_;
    map_options options_;
    std::string name_;
    std::optional<std::size_t> total_;
    map_pace pace_;
    stop_state stop_;
    bool fail_fast_;
    bool remote_;
    bool stopping_ = false;
    bool accounted_ = false;
    bool filling_ = true;
    std::chrono::nanoseconds limit_{0};
    std::size_t in_flight_ = 0;
    std::size_t done_ = 0;
    std::vector<std::optional<outcome<result>>> outcomes_;
    std::vector<std::unique_ptr<remote>> free_;
    std::vector<portable_call*> batch_;  // sent at the next `flush`
    std::chrono::steady_clock::time_point flushed_at_{};
    chunk_inbox inbox_;
};

template <class F, class Range>
task<std::vector<std::optional<item_outcome<item_bound<F, item_of<Range>>>>>>
run_map(executor ex, F f, kept_range<Range> range, map_options options, bool fail_fast) {
    using item = item_of<Range>;
    environment_awaiter here;
    environment* env = co_await here;
    std::optional<std::size_t> total;
    if constexpr (std::ranges::sized_range<std::remove_reference_t<Range>>)
        total = static_cast<std::size_t>(std::ranges::size(range.get()));
    map_run<F, item> run(std::move(ex), f, options, total, env->stop, fail_fast);
    std::exception_ptr input_error;
    auto at = std::ranges::begin(range.get());
    auto end = std::ranges::end(range.get());
    for (;;) {
        try {
            while (input_error == nullptr && run.wants_more() && at != end)
                run.send_next(at, end);
        } catch (...) {
            input_error = std::current_exception();  // the range or an encoding threw; what is in flight must still end
            run.fail_everything();
        }
        run.flush();
        if (run.idle()) break;
        auto next = run.take_ended();
        run.collect(co_await next);
    }
    if (input_error != nullptr) std::rethrow_exception(input_error);
    if (fail_fast)
        if (const std::exception_ptr error = run.first_failure(); error != nullptr) std::rethrow_exception(error);
    if (env->stop != nullptr && env->stop->stop_requested() && at != end) throw cancelled{};
    co_return std::move(run.outcomes());
}

/// Whether a map runs on the workers of a local executor without a task for each chunk.
template <class F, class Range>
inline constexpr bool loops_locally =
    concurrently_readable<std::remove_reference_t<Range>> && !item_bound<F, item_of<Range>>::coroutine;

template <class Result, class F, class Range>
task<std::vector<Result>> run_local_map(executor ex, F f, kept_range<Range> range, map_options options) {
    parallel_loop::settings s;
    s.size = static_cast<std::size_t>(std::ranges::size(range.get()));
    s.item_limit = options.timeout.count() > 0 ? options.timeout : ex.options().timeout;
    s.chunk = s.item_limit.count() > 0 ? 1 : options.chunk;
    s.window = options.window;
    s.stop_at_failure = !is_outcome<Result>;
    s.name = options.name.empty() ? ex.options().name : std::string(options.name);
    s.progress = options.progress;
    using iterator = std::ranges::iterator_t<std::remove_reference_t<Range>>;
    local_map<F, item_of<Range>, iterator, Result> loop(ex.backend(), f, std::ranges::begin(range.get()), std::move(s));
    co_await loop.run();
    co_return loop.take();
}

template <class R, class O>
task<std::vector<R>> collect_values(task<std::vector<std::optional<O>>> map) {
    auto outcomes = co_await std::move(map);
    std::vector<R> values;
    values.reserve(outcomes.size());
    for (auto& o : outcomes) {
        if constexpr (std::is_same_v<R, std::monostate>)
            values.emplace_back();
        else
            values.push_back(*std::move(*o));
    }
    co_return values;
}

template <class O>
task<std::vector<O>> collect_outcomes(task<std::vector<std::optional<O>>> map) {
    auto outcomes = co_await std::move(map);
    std::vector<O> all;
    all.reserve(outcomes.size());
    for (auto& o : outcomes)
        all.push_back(std::move(*o));
    co_return all;
}

template <class F, class Range>
consteval void require_map() {
    static_assert(std::ranges::input_range<std::remove_reference_t<Range>>, "map takes a range of items");
    static_assert(maps_over<std::decay_t<F>, item_of<Range>>,
                  "the function can be called neither with an item of the range nor with the parts of a tuple item");
    require_portable_call<item_bound<std::decay_t<F>, item_of<Range>>>();
}

template <class F, class Range>
auto start_map(executor ex, F&& f, Range&& range, const map_options& options, bool fail_fast) {
    return run_map<std::decay_t<F>, Range>(std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                                           kept_range<Range>(std::forward<Range>(range)), options, fail_fast);
}

template <class F, class Range>
using map_value = std::conditional_t<std::is_void_v<typename item_bound<std::decay_t<F>, item_of<Range>>::result>,
                                     std::monostate, typename item_bound<std::decay_t<F>, item_of<Range>>::result>;

}  // namespace detail

/// Applies `f` to every item of `range` (any input range; an lvalue is referred to and must outlive the map) and completes
/// with the results in input order. A tuple item is spread over the parameters of `f` if `f` does not take it whole. `f`
/// and the items must be portable.
///
/// Errors: the first failure, in input order, after the rest was asked to stop and has ended. Stop: passed on; ends when
/// the work has ended, with `cancelled` if items were left. Resumes: at home; the range is read there.
template <class F, class Range>
[[nodiscard]] auto map(executor ex, F&& f, Range&& range, map_options options = {})
    -> task<std::vector<detail::map_value<F, Range>>> {
    detail::require_map<F, Range>();
    if constexpr (detail::loops_locally<std::decay_t<F>, Range>) {
        if (!ex.backend()->remote())
            return detail::run_local_map<detail::map_value<F, Range>, std::decay_t<F>, Range>(
                std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                detail::kept_range<Range>(std::forward<Range>(range)), options);
    }
    return detail::collect_values<detail::map_value<F, Range>>(
        detail::start_map(std::move(ex), std::forward<F>(f), std::forward<Range>(range), options, true));
}

/// Like `map`, but with a value or an error for every item: one bad item never hides or spoils another.
template <class F, class Range>
[[nodiscard]] auto map_outcomes(executor ex, F&& f, Range&& range, map_options options = {})
    -> task<std::vector<detail::item_outcome<detail::item_bound<std::decay_t<F>, detail::item_of<Range>>>>> {
    detail::require_map<F, Range>();
    if constexpr (detail::loops_locally<std::decay_t<F>, Range>) {
        using result = detail::item_outcome<detail::item_bound<std::decay_t<F>, detail::item_of<Range>>>;
        if (!ex.backend()->remote())
            return detail::run_local_map<result, std::decay_t<F>, Range>(
                std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                detail::kept_range<Range>(std::forward<Range>(range)), options);
    }
    return detail::collect_outcomes(
        detail::start_map(std::move(ex), std::forward<F>(f), std::forward<Range>(range), options, false));
}

}  // namespace cadre
