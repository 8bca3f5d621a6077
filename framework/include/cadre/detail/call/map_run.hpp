/// @file
/// One running map: sends chunks, collects them, repeats what a dead worker left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/call/call_batch.hpp>
#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/first_failure.hpp>
#include <cadre/detail/call/local_chunk.hpp>
#include <cadre/detail/call/map_executors.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_pace.hpp>
#include <cadre/detail/call/map_results.hpp>
#include <cadre/detail/call/remote_chunk.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

/// The options of a map in which those of the executor's handle take the place of what is not set.
[[nodiscard]] map_options resolve_options(map_options options, const executor& ex);

/// The options of the call that carries a chunk.
[[nodiscard]] call_options chunk_options(const executor& ex, const map_options& options, int retries,
                                         bool fresh_worker);

/// Whether the executor's backend has the extension `raw_chunks`.
[[nodiscard]] bool runs_raw_chunks(const executor& ex) noexcept;

/// The state of one map; a local of its coroutine, driven by `drive_chunks`. `Results` collects: `outcome_results`,
/// `plain_results` that fail fast, or those of a `map_stream`. What is sent is portable unless every executor is local.
template <class F, class Item, class Results, map_executors Executors = map_executors::any>
class map_run {
    static constexpr bool has_remote = Executors != map_executors::local;
    static constexpr bool has_local = Executors != map_executors::remote;
    using bound = item_bound<F, Item>;
    using result = typename bound::result;
    using remote = typename chunk_or_none<has_remote, remote_chunk, F, Item>::type;
    using local = typename chunk_or_none<has_local, local_chunk, F, Item>::type;

public:
    using locals = frame_for<Item, result>;
    /// `f` and what `options` refers to outlive the run. With `fail_fast` a failure stops the items above it.
    map_run(executor ex, const F& f, const map_options& options, std::optional<std::size_t> total, stop_state* stop,
            bool fail_fast)
        : ex_(std::move(ex)), function_(f), options_(resolve_options(options, ex_)), fail_fast_(fail_fast), stop_(stop),
          raw_(has_remote && has_raw_results<bound> && !may_carry_descriptors<typename bound::arguments> &&
               runs_raw_chunks(ex_)),
          window_(options_, ex_.concurrency(), total,
                  {.coroutine = bound::coroutine,
                   .timed = bound::coroutine || !ex_.backend()->remote(),
                   .repeatable = has_repeatable_order(*ex_.backend()),
                   .item_bytes = raw_ ? item_bytes : 0}),
          batch_(ex_.backend()), results_(total) {}

    [[nodiscard]] bool wants_more() noexcept { return !failed() && !stop_.stop_requested() && window_.wants_more(); }
    /// Items that may be in flight.
    [[nodiscard]] std::size_t window() const noexcept { return window_.window(); }
    [[nodiscard]] bool idle() const noexcept { return window_.idle(); }
    [[nodiscard]] completion_queue& completions() noexcept { return queue_; }

    /// Sends the next items of the input, up to a chunk or an item that cannot be sent, which fails. Throws what the
    /// input throws, when the items before have been sent.
    template <class Iterator, class Sentinel>
    void send_next(Iterator& at, const Sentinel& end) {
        if (meets_remote())
            send_remote(at, end);
        else
            send_local(at, end);
    }
    /// The input has failed after the items that were sent: with `fail_fast` as the next item would, so those before
    /// it run to their end.
    void fail_input(const std::exception_ptr& error) noexcept {
        if (!fail_fast_) return stop_all();
        failure_.add(results_.size(), error);
        first_failed_ = std::min(first_failed_, results_.size());
    }
    /// Submits what `send_next` has left in the batch.
    void flush() noexcept {
        if constexpr (has_remote) batch_.submit();
    }

    void collect(completion_queue::nodes& completed) {
        while (completion_queue::node* const node = completed.pop_front()) {
            auto* c = static_cast<map_chunk*>(node);
            if constexpr (has_remote) {
                if (meets_remote()) {
                    if (const returned_items* const some = c->returned(); some != nullptr) {
                        send_returned(static_cast<remote&>(some->chunk), some->from);
                        continue;
                    }
                    in_flight_.remove(*c);
                    collect_remote(std::unique_ptr<remote>(static_cast<remote*>(c)));
                    continue;
                }
            }
            if constexpr (has_local && bound::coroutine) {
                if (const returned_items* const some = c->returned(); some != nullptr) {
                    launch_returned(static_cast<local&>(some->chunk), some->from);
                    continue;
                }
            }
            in_flight_.remove(*c);
            if constexpr (has_local) collect_local(std::unique_ptr<local>(static_cast<local*>(c)));
        }
        window_.report();
    }
    /// Asks everything in flight to stop; nothing more is sent.
    void stop_all() noexcept {
        first_failed_ = 0;
        stop_.request_stop();
    }
    /// With `fail_fast`: the failure of the lowest index.
    void rethrow_failure() const {
        if (fail_fast_) failure_.rethrow(stop_, options_.name, callable_of(function_));
    }
    [[nodiscard]] typename Results::type take_results() noexcept { return results_.take(); }

private:
    [[nodiscard]] bool meets_remote() const noexcept { return has_remote && (!has_local || ex_.backend()->remote()); }
    template <class Iterator, class Sentinel>
    void send_remote(Iterator& at, const Sentinel& end) {
        if constexpr (has_remote) {
            auto c = make_remote(results_.size(), options_.retries);
            const chunk_end ended([&] { c->fill(function_, at, end, window_.chunk()); });
            if (c->items != 0) {
                results_.grow(c->items);
                send(std::move(c));
            }
            end_of_chunk(at, ended);
        }
    }
    template <class Iterator, class Sentinel>
    void send_local(Iterator& at, const Sentinel& end) {
        if constexpr (has_local) {
            const std::size_t first = results_.size();
            const std::size_t n = window_.chunk();
            std::vector<Item> items;
            items.reserve(std::min<std::size_t>(n, largest_reservation));
            const chunk_end ended([&] {
                if constexpr (requires { at.read_run(items, n); }) {
                    at.read_run(items, n);
                } else {
                    const chunk_wait wait;
                    for (std::size_t i = 0; i < n && at != end && !(i != 0 && wait.ends(i)); ++i, ++at)
                        items.push_back(take_item<Item>(*at));
                }
            });
            if (!items.empty()) {
                results_.grow(items.size());
                launch(first, std::move(items));
            }
            end_of_chunk(at, ended);
        }
    }
    void launch(std::size_t first, std::vector<Item>&& items) {
        const std::size_t taken = items.size();
        auto c = std::make_unique<local>(ex_, options_, function_, std::move(items), stop_, fail_fast_,
                                         window_.is_free(), queue_);
        c->first = first;
        window_.sent(taken);
        in_flight_.push_back(*c);
        c.release()->launch();  // returns through the queue
    }
    // The chunk has ended before the item at `at` if that cannot be sent, or because the input has thrown.
    template <class Iterator>
    void end_of_chunk(Iterator& at, const chunk_end& ended) {
        if (ended.input != nullptr) std::rethrow_exception(ended.input);
        if (ended.item == nullptr) return;
        const std::size_t index = results_.size();
        results_.grow(1);
        window_.sent(1);
        fail(index, ended.item);
        window_.completed(1);
        ++at;
    }
    [[nodiscard]] std::unique_ptr<remote> make_remote(std::size_t first, int retries) {
        std::unique_ptr<remote> c;
        if (free_.empty()) {
            c = std::make_unique<remote>(ex_.backend(), queue_, raw_);
        } else {
            c = std::move(free_.back());
            free_.pop_back();
        }
        c->begin(function_, first, fail_fast_);
        c->retries_left = retries;
        return c;
    }
    void send(std::unique_ptr<remote> c, bool fresh_worker = false) {
        // The executor repeats a call of one item. A chunk that has returned all others is repeated by `recover`.
        const int retries = c->items == 1 ? std::exchange(c->retries_left, 0) : 0;
        call_options settings = chunk_options(ex_, options_, retries, fresh_worker);
        c->returns_items = window_.is_free() && c->items > 1;
        c->raw.claim = static_cast<std::uint32_t>(window_.claim());
        c->raw.results = raw_ ? results_.place(c->first, c->items) : nullptr;
        window_.sent(c->items);
        in_flight_.push_back(*c);
        remote* const sent = c.release();  // returns through the queue
        if (sent->admit(stop_, std::move(settings))) batch_.add(*sent);
    }

    [[nodiscard]] bool failed() const noexcept { return first_failed_ != none; }
    void fail(std::size_t index, const std::exception_ptr& error) {
        results_.set(index, outcome<result>(error));
        note_failure(index);
    }
    // Items below a failed one run to their end: a plain loop would report the first failure of these.
    void note_failure(std::size_t index) {
        if (!fail_fast_) return;
        const std::exception_ptr error = results_.error(index);
        if (error == not_run_error()) return;  // a chunk may have many of them
        failure_.add(index, error);
        if (index >= first_failed_ || stop_.stop_requested()) return;
        first_failed_ = index;
        flush();  // the backend ignores a stop request to a call that it does not know
        for (map_chunk& c : in_flight_)
            if (c.first > index) c.stop();
    }
    /// The results of the items [`from`, `to`) are stored.
    void settle(std::size_t from, std::size_t to) {
        while ((from = results_.next_failure(from, to)) != to)
            note_failure(from++);
    }

    [[nodiscard]] static outcome<result> value_outcome(local& c, std::size_t i) {
        if constexpr (std::is_void_v<result>)
            return {};
        else
            return static_cast<result>(std::move(c.values[i]));
    }
    void collect_local(std::unique_ptr<local> c) {
        c->collect();
        const std::size_t with_value = c->values.size();
        if constexpr (requires { results_.set_run(c->first, std::move(c->values)); })
            results_.set_run(c->first, std::move(c->values));
        else
            for (std::size_t i = 0; i < with_value; ++i)
                results_.set(c->first + i, value_outcome(*c, i));
        for (std::size_t i = 0; i < c->outcomes.size(); ++i)
            results_.set(c->first + with_value + i, std::move(c->outcomes[i]));
        settle(c->first, c->first + with_value + c->outcomes.size());
        window_.ran(bound::coroutine ? c->size() : with_value, c->duration());
        window_.completed(c->size());
    }

    void collect_remote(std::unique_ptr<remote> c) {
        c->unlink();
        if (c->reply.kind == reply_kind::value) window_.measured(c->items, c->reply.nanoseconds);
        if (const auto read = read_results(*c)) {
            if (c->reply.kind == reply_kind::failure)
                recover(*c, *read);
            else if (c->reply.kind == reply_kind::unfinished)
                send_rest(*c, *read);
            else
                window_.completed(c->items);
        }
        c->release_descriptors();
        if (free_.size() < max_free_chunks) free_.push_back(std::move(c));
    }
    /// @return the number of results, or nothing if the whole chunk has failed
    [[nodiscard]] std::optional<std::uint32_t> read_results(remote& c) {
        try {
            const std::uint32_t n = c.read_results(results_);
            if (c.reply.last_item != nullptr && n != 0) limit_last(c, n - 1);
            settle(c.first, c.first + (repeats_last(c, n) ? n - 1 : n));
            return n;
        } catch (...) {
            fail_from(c, 0, std::current_exception());
            return std::nullopt;
        }
    }
    void fail_from(const remote& c, std::uint32_t from, const std::exception_ptr& error) {
        for (std::uint32_t i = from; i < c.items; ++i)
            fail(c.first + i, c.with_item(error, i));
        window_.completed(c.items);
    }
    /// Whether the result of item `index` is still of use.
    [[nodiscard]] bool is_wanted(std::size_t index) const noexcept {
        return index < first_failed_ && !stop_.stop_requested();
    }
    /// The worker died, or the executor stopped, at item `at` of a chunk: the results before it count, the item itself
    /// fails or is repeated alone, and the rest, which never ran, is sent again. If the rest may have run, too, that
    /// holds for each item of it.
    void recover(remote& c, std::uint32_t at) {
        const std::exception_ptr& error = c.reply.error;
        if (at == c.items) return window_.completed(at);
        if (!is_worker_death(error) || !is_wanted(c.first + at)) return fail_from(c, at, error);
        window_.completed(at);
        const bool again = c.retries_left > 0 && is_retryable(error);
        const std::uint32_t end = c.reply.all_begun ? c.items : at + 1;
        for (; at != end; ++at)
            if (again && is_wanted(c.first + at)) {
                resend(c, at, at + 1, c.retries_left - 1);
            } else {
                fail(c.first + at, c.with_item(error, at));
                window_.completed(1);
            }
        leave_or_resend(c, end);
    }
    /// The time limit of the last item has passed: it fails with that error if it has obeyed the stop request.
    void limit_last(const remote& c, std::uint32_t last) {
        const std::exception_ptr error = results_.error(c.first + last);
        if (error != nullptr && ended_by_stop(error))
            results_.set(c.first + last, outcome<result>(c.with_item(c.reply.last_item, last)));
    }
    [[nodiscard]] bool repeats_last(const remote& c, std::uint32_t done) const {
        // As for a call alone: an item that threw another error after a failed allocation is not repeated.
        return c.reply.retry_last && c.retries_left > 0 && done != 0 &&
               is_bad_alloc(results_.error(c.first + done - 1));
    }
    /// The chunk ended early, after `done` items: the last of these exceeded a limit, the others have not begun.
    void send_rest(remote& c, std::uint32_t done) {
        const bool again = repeats_last(c, done);
        window_.completed(again ? done - 1 : done);
        if (again) resend(c, done - 1, done, c.retries_left - 1, true);
        leave_or_resend(c, done);
    }
    /// The items of a chunk from `from` on, which have not begun, are sent again if their results are still of use.
    void leave_or_resend(remote& c, std::uint32_t from) {
        if (from == c.items) return;
        if (is_wanted(c.first + from)) return resend(c, from, c.items, c.retries_left);
        cancel(c.first + from, c.first + c.items);
    }
    void cancel(std::size_t from, std::size_t to) {
        window_.completed(to - from);
        if (from == to) return;
        const std::exception_ptr error = std::make_exception_ptr(cancelled{});
        if (fail_fast_) failure_.add(from, error);
        if constexpr (std::is_same_v<Results, plain_results<result>>) return;  // the map throws
        for (; from != to; ++from)
            results_.set(from, outcome<result>(error));
    }
    /// A task of a chunk waits, and the items behind it have been given back: each is to wait by itself.
    void launch_returned(local& c, std::size_t from) {
        const std::size_t end = c.size();
        std::vector<Item> rest = c.take_rest(from);
        window_.ended_early();
        if (!is_wanted(c.first + from)) return cancel(c.first + from, c.first + end);
        window_.returned(rest.size());
        for (auto&& item : rest) {
            std::vector<Item> one;
            one.push_back(static_cast<Item&&>(item));
            launch(c.first + from++, std::move(one));
        }
    }
    /// A worker that runs a long item has given back the items behind it.
    void send_returned(remote& c, std::uint32_t from) {
        const std::uint32_t end = std::exchange(c.items, from);
        window_.ended_early();
        if (!is_wanted(c.first + from)) return cancel(c.first + from, c.first + end);
        for (std::uint32_t i = from; i < end;) {
            const auto part = static_cast<std::uint32_t>(std::min<std::size_t>(end - i, window_.part(end - from)));
            resend(c, i, i + part, c.retries_left);
            i += part;
        }
    }
    void resend(remote& c, std::uint32_t from, std::uint32_t to, int retries, bool fresh_worker = false) {
        auto again = make_remote(c.first + from, retries);
        again->add_from(c, from, to);
        window_.returned(to - from);
        send(std::move(again), fresh_worker);
    }

    static constexpr std::size_t max_free_chunks = 4096;
    static constexpr std::size_t largest_reservation = 2048;
    static constexpr std::size_t item_bytes =
        std::max<std::size_t>(1, raw_result_bytes<bound>() + item_layout<typename bound::arguments>::size);
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    executor ex_;
    const F& function_;
    map_options options_;
    bool fail_fast_;
    std::size_t first_failed_ = none;  // with fail_fast: the lowest index that has failed; items above it are stopped
    stop_state stop_;
    const bool raw_;  // chunks are raw
    map_window window_;
    completion_queue queue_;
    call_batch batch_;
    std::vector<std::unique_ptr<remote>> free_;
    intrusive_list<map_chunk, &map_chunk::links> in_flight_;
    Results results_;
    first_failure failure_;
};

}  // namespace cadre::detail
