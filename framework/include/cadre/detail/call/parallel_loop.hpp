/// @file
/// A loop over the indices [0, size) that the workers of a local executor share.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <cadre/detail/base/asymmetric_fence.hpp>
#include <cadre/detail/call/first_failure.hpp>
#include <cadre/detail/call/queued_start.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/map_options.hpp>

namespace cadre::detail {

/// Guided self-scheduling (Polychronopoulos and Kuck, IEEE Trans. Computers 1987) over one atomic cursor: at most one
/// *runner* a worker takes the next batch of indices, runs it, and takes the next. So indices begin in their order, up
/// to the batches in work; and the whole loop is one entry in the executor's registry, one task identity and one stop
/// state. Batches start at one chunk and grow until each takes about `target_batch`.
///
/// A runner claims the indices of its batch a chunk at a time, from the front, in a word of its own. Runners that find
/// the cursor at the end take the second half of what another one has not claimed: a long item delays no index but
/// those of its chunk.
///
/// A failure at index i keeps the indices above it from beginning and asks those that run to stop; the indices below it
/// run to their end, because one of them may fail as well, and the failure of the lowest index is the one that a plain
/// loop would have reported.
///
/// Lives in the frame of the coroutine that awaits `run()`, which completes when every runner has ended.
class parallel_loop {
public:
    using clock = std::chrono::steady_clock;
    struct settings {
        std::size_t size = 0;
        std::size_t chunk = 0;  ///< indices that are claimed together; 0: adapt to their duration
        std::size_t window = 0;  ///< indices in work at most; 0: no limit
        std::chrono::nanoseconds item_limit{0};  ///< of each index; 0: none
        bool stop_at_failure = true;
        std::string name{};
        progress_callback progress = nullptr;
    };

    /// The indices of a batch that no runner has claimed, in units of the loop: the first and the end in one word, on a
    /// cache line of its own.
    ///
    ///     word    changed by                                              to                    order
    ///     range_  its runner, `assign`, of an empty range                 first, end            store, release
    ///             its runner, `claim`: indices from the front             first + n, end        CAS, relaxed
    ///             another runner, `take_half`: the second half            first, middle         CAS, relaxed
    ///
    /// An index leaves a range once and is never in two, so no value of the word recurs.
    class alignas(64) batch_range {
    public:
        // Aligned: else clang with the C++ library of g++ 14 calls libatomic.
        struct alignas(std::uint64_t) range {
            std::uint32_t first;
            std::uint32_t end;
        };
        void assign(range r) noexcept { range_.store(r, std::memory_order_release); }
        [[nodiscard]] range claim(std::uint32_t max_count) noexcept;
        [[nodiscard]] range take_half() noexcept;
        void clear() noexcept { (void)claim(std::numeric_limits<std::uint32_t>::max()); }

    private:
        std::atomic<range> range_{range{0, 0}};
    };

    /// One worker's part in the loop: a work item that runs batches until none is left.
    class alignas(64) runner {
    public:
        explicit runner(parallel_loop& loop);

        /// Claims `index` for this runner. @return false: it is not to run, nor is any above it
        [[nodiscard]] bool begin(std::size_t index) noexcept {
            // Pairs with `stop_above`, which lowers `end_`, issues a heavy fence and reads `current_`: either the
            // failure is seen here, or this index is seen there and asked to stop.
            current_.store(index, std::memory_order_relaxed);
            light_fence();
            return index < loop_.end_.load(std::memory_order_relaxed);
        }
        [[nodiscard]] environment& env() noexcept { return env_; }
        [[nodiscard]] stop_state& stop() noexcept { return stop_; }
        /// Below `runner_count()`.
        [[nodiscard]] std::size_t number() const noexcept { return number_; }

    private:
        friend class parallel_loop;
        parallel_loop& loop_;
        queued_start::pointer item_;
        std::atomic<std::size_t> current_{0};
        std::atomic<std::size_t> done_{0};  // indices that have ended; written by this runner only
        stop_state stop_;
        environment env_;
        std::size_t batch_ = 1;  // chunks
        std::size_t chunk_ = 1;
        std::size_t number_ = 0;
        bool has_begun_ = false;
        batch_range rest_;
    };

    /// `callable`, which the indices run, is for reports.
    parallel_loop(std::shared_ptr<executor_backend> backend, settings s, const callable_ref& callable);
    parallel_loop(const parallel_loop&) = delete;
    parallel_loop& operator=(const parallel_loop&) = delete;

    class [[nodiscard]] awaiter {
    public:
        using resumes_at_home = void;
        explicit awaiter(parallel_loop& loop) noexcept : loop_(&loop) {}
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) {
            return loop_->start(h, environment_of_promise(h));
        }
        void await_resume() { loop_->finish(); }

    private:
        parallel_loop* loop_;
    };
    /// Runs the loop. A stop request is forwarded to the indices that run and prevents new ones. The await completes
    /// when the running indices have completed; it does not wait for workers that are busy with other work.
    /// @throws executor_stopped; cancelled if indices were left because of a stop; what `progress` threw, after the
    /// indices that ran were asked to stop; the `first_failure`, if `stop_at_failure`
    [[nodiscard]] awaiter run() noexcept { return awaiter(*this); }

protected:
    ~parallel_loop();
    /// Runs the indices [first, last) on the calling thread, each after `r.begin(index)`, until that returns false.
    /// @return the first index that did not run
    virtual std::size_t run_batch(runner& r, std::size_t first, std::size_t last) noexcept = 0;
    /// The executor has stopped, and no index runs. Not called if `stop_at_failure`: then `run` throws.
    virtual void refuse(std::size_t /*index*/, const std::exception_ptr& /*error*/) noexcept {}
    /// For `run_batch`: `index` has ended by an error.
    void fail(std::size_t index, const std::exception_ptr& error) noexcept;
    [[nodiscard]] std::size_t runner_count() const noexcept { return runners_.size(); }
    [[nodiscard]] std::chrono::nanoseconds item_limit() const noexcept { return settings_.item_limit; }
    [[nodiscard]] const std::string& name() const noexcept { return settings_.name; }
    [[nodiscard]] const callable_ref& callable() const noexcept { return root_.callable; }

private:
    struct stop_listener : stop_node {
        parallel_loop* loop = nullptr;
    };
    struct progress_item : work_item {
        parallel_loop* loop = nullptr;
        std::atomic<bool> posted{false};
    };
    [[nodiscard]] bool start(std::coroutine_handle<> h, environment* env);
    void finish();
    void run(runner& self) noexcept;
    void start_runners(std::size_t after) noexcept;
    [[nodiscard]] static settings normalized(settings s);
    /// Claims the next indices for `self`. @return an empty range if none is left to begin
    [[nodiscard]] batch_range::range claim(runner& self) noexcept;
    [[nodiscard]] bool take_batch(runner& self) noexcept;
    [[nodiscard]] bool take_from_others(runner& self) noexcept;
    void adapt(runner& self, clock::duration took, std::size_t chunks) const noexcept;
    [[nodiscard]] std::size_t ended_indices() const noexcept;
    [[nodiscard]] bool yield_worker(runner& self) noexcept;
    void withdraw_runners() noexcept;
    void submit(runner& r) noexcept;
    void stop_above(std::size_t index) noexcept;
    void lower_end(std::size_t index) noexcept;
    void report_progress() noexcept;
    void call_progress();
    void leave() noexcept;

    const std::shared_ptr<executor_backend> backend_;
    const settings settings_;
    const bool repeatable_;  // the order of its items does not depend on time: see `repeatable_order`
    const std::size_t unit_;  // indices that are never split: 1 unless there are more than 32 bits can number
    task_info info_;
    stop_state stop_;
    std::deque<runner> runners_;  // after `stop_`, which is above their stop states
    stop_listener stop_listener_;
    work_root root_;
    waiter waiter_;
    progress_item progress_;

    // cursor_: the next unit to hand out; only grows. end_: indices from here on do not begin; only falls: to a failed
    // index, or to 0 at a stop request. references_: runners and progress items that have not ended; the last one
    // resumes the awaiter. Padding keeps the words of different writers apart: a coroutine frame is not aligned to a
    // cache line.
    [[maybe_unused]] std::byte before_cursor_[64];
    std::atomic<std::size_t> cursor_{0};
    [[maybe_unused]] std::byte before_end_[64];
    std::atomic<std::size_t> end_;
    [[maybe_unused]] std::byte after_end_[64];
    std::atomic<std::size_t> references_{1};
    std::mutex failure_mutex_;  // a leaf
    first_failure failure_;
    std::exception_ptr progress_error_;
    bool refused_ = false;
    std::size_t reported_ = 0;  // indices, by the last call of `progress`
};

/// The settings of a map as a loop.
[[nodiscard]] parallel_loop::settings loop_settings(const executor& ex, const map_options& options, std::size_t size,
                                                    bool stop_at_failure);

}  // namespace cadre::detail
