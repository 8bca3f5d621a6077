/// @file
/// The two coroutines of a `map_stream`: one sends items and collects results, the other delivers them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/detail/call/map_run.hpp>
#include <cadre/detail/call/map_stream_input.hpp>
#include <cadre/detail/call/map_stream_link.hpp>
#include <cadre/detail/call/map_stream_results.hpp>
#include <cadre/detail/call/shared_function.hpp>
#include <cadre/detail/task/background_task.hpp>
#include <cadre/detail/task/stream_queue.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/stream.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// How many items a `map_stream` may have taken and not delivered: as set by the user, or twice as many as its map
/// keeps in flight, so that its workers have work while the consumer takes what is ready.
class look_ahead {
public:
    look_ahead(std::size_t window, std::size_t concurrency) noexcept
        : fixed_(window), pieces_(2 * std::max<std::size_t>(1, concurrency)) {}
    /// `window`: that of the map.
    [[nodiscard]] std::size_t limit(std::size_t window) const noexcept {
        return fixed_ != 0 ? fixed_ : std::max<std::size_t>(16, 2 * window);
    }
    /// The room at which the sender continues: with a little room after each delivery it would send chunks of one item.
    [[nodiscard]] std::size_t least_room(std::size_t limit) const noexcept { return fixed_ != 0 ? 1 : limit / 4; }
    /// Items of one chunk at most: a small window is for all workers.
    [[nodiscard]] std::size_t piece(std::size_t room) const noexcept {
        return fixed_ == 0 ? room : std::min(room, std::max<std::size_t>(1, fixed_ / pieces_));
    }

private:
    std::size_t fixed_;
    std::size_t pieces_;
};

/// Sends items through `run` while there is room, and gives results to `out`, until the input has ended or `run` wants
/// no more, and everything in flight has completed. Errors: first what a progress function has thrown, then the failure
/// of `run`, then that of the input.
template <class Run, class Input, class Out>
task<void> pump_map_stream(Run& run, Input& input, Out& out, map_stream_link& link, look_ahead ahead,
                           typename Run::locals /*locals*/ = {}) {
    std::exception_ptr input_error;
    std::exception_ptr fatal;
    std::size_t sent = 0;
    std::size_t least = 1;
    for (;;) {
        try {
            while (input_error == nullptr && run.wants_more()) {
                const std::size_t limit = ahead.limit(run.window());
                if (!link.has_room(sent, limit, std::exchange(least, 1))) {
                    least = ahead.least_room(limit);
                    if (!link.has_room(sent, limit, least)) break;
                }
                const std::size_t room = limit - link.undelivered(sent);
                input.poll(room);
                if (!input.ready()) {
                    input_error = input.error();
                    break;
                }
                const std::size_t max_items = ahead.piece(room);
                item_cursor<Input> at(input, max_items);
                run.send_next(at, std::default_sentinel);
                sent += max_items - at.left();
            }
        } catch (...) {
            input_error = std::current_exception();
        }
        run.flush();
        try {
            auto results = run.take_results();
            for (auto& batch : results.ready)
                out.push(std::move(batch));
        } catch (...) {
            if (fatal == nullptr) fatal = std::current_exception();
            run.stop_all();
        }
        if (run.idle() && (!run.wants_more() || input_error != nullptr || input.ended())) break;
        auto next = run.completions().take();
        completion_queue::nodes completed = co_await next;
        link.take_signal(completed);
        if (completed.empty()) continue;
        try {
            run.collect(completed);
        } catch (...) {  // `progress` threw: what is in flight refers to `run`
            if (fatal == nullptr) fatal = std::current_exception();
            run.stop_all();
        }
    }
    if (fatal != nullptr) std::rethrow_exception(fatal);
    run.rethrow_failure();
    if (input_error != nullptr) std::rethrow_exception(input_error);
    environment_awaiter here;
    const environment* env = co_await here;
    if (env->stop->stop_requested()) throw cancelled{};
}

/// The sending side: a task beside the stream, which may outlive it for as long as items in flight take to end.
template <bool Remote, class F, class Results, class Input, class Out>
task<void> run_map_stream(std::shared_ptr<Out> out, std::shared_ptr<map_stream_link> link, executor ex, F f,
                          Input given, map_options options, std::string name) {
    std::exception_ptr error;
    try {
        environment_awaiter here;
        const environment* env = co_await here;
        Input input = std::move(given);  // ends before the stream does
        const progress_callback progress = options.progress;
        auto report = [&](std::size_t done, std::size_t total) { link->report(progress, done, total); };
        if (progress) options.progress = report;
        options.name = name;
        const look_ahead ahead(options.window, ex.concurrency());
        using item = item_of<std::vector<typename Input::item>>;
        map_function_reference<Remote, F, item> called(f);
        map_run<map_function_t<Remote, F, item>, item, Results, Remote ? map_executors::any : map_executors::local> run(
            std::move(ex), called, options, input.size(), env->stop, true);
        const map_stream_link::connection connected(*link, run.completions(), *env->stop);
        if constexpr (Input::reads_ahead) {
            input.begin(link);
            std::exception_ptr failure;
            try {
                co_await pump_map_stream(run, input, *out, *link, ahead);
            } catch (...) {
                failure = std::current_exception();
            }
            input.stop();
            co_await input.joined();
            if (failure != nullptr) std::rethrow_exception(failure);
        } else {
            input.begin(*link);
            co_await pump_map_stream(run, input, *out, *link, ahead);
        }
    } catch (...) {
        error = std::current_exception();
    }
    out->end(std::move(error));
}

// A slice counts as delivered when it has been taken: it is a small part of what is ready, so that the sender does not
// starve. Where the user has fixed the window each element counts at once.
inline constexpr std::size_t parts_of_batch = 16;
inline constexpr std::size_t shortest_slice = 2;
inline constexpr std::size_t longest_slice = 128;

/// The stream.
template <class V>
stream<V> deliver_map_stream(std::shared_ptr<stream_queue<std::vector<V>>> out, std::shared_ptr<map_stream_link> link,
                             task<void> sending, bool in_slices) {
    struct drop_at_end {
        map_stream_link& link;
        ~drop_at_end() { link.drop(); }
    } const dropped{*link};
    background_work sender(std::move(sending));
    std::exception_ptr error;
    try {
        for (;;) {
            co_await out->filled();
            auto batch = out->pop();
            if (!batch) co_return;
            std::size_t at = 0;
            if constexpr (!std::is_same_v<V, bool>) {
                const std::size_t slice = std::min(longest_slice, batch->size() / parts_of_batch);
                while (in_slices && slice >= shortest_slice && at != batch->size()) {
                    const std::size_t n = std::min(slice, batch->size() - at);
                    co_yield stream_slice<V>(batch->data() + at, batch->data() + at + n);
                    at += n;
                    link->count_delivery(n, at == batch->size());
                }
            }
            for (; at != batch->size(); ++at) {
                link->count_delivery(1, at + 1 == batch->size());
                co_yield static_cast<V&&>((*batch)[at]);
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    sender.request_stop();
    co_await out->ended();
    std::rethrow_exception(error);
}

}  // namespace cadre::detail
