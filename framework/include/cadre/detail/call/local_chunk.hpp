/// @file
/// A chunk of a map on a local executor.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/call/item_claims.hpp>
#include <cadre/detail/call/map_chunk.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/queued_start.hpp>
#include <cadre/detail/call/run_limit.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/outcome.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

template <class F, class Item>
class local_chunk final : public map_chunk, public task_root {
    using call = item_call<F, Item>;
    using bound = item_bound<F, Item>;
    using result = typename bound::result;
    using stored = std::conditional_t<std::is_void_v<result>, std::monostate, result>;

public:
    /// With `fail_fast` the first failure ends the chunk. With `returns_rest` a task that waits ends it, too: the items
    /// after this task are returned through the queue. `stop` outlives the chunk.
    local_chunk(const executor& ex, const map_options& options, const F& f, std::vector<Item>&& items, stop_state& stop,
                bool fail_fast, bool returns_rest, completion_queue& queue)
        : task_root(ex.backend(), &stop, std::string(options.name)), function_(f), items_(std::move(items)),
          size_(items_.size()), fail_fast_(fail_fast), returns_rest_(returns_rest), limit_(options.timeout),
          item_(queued_start::make(*ex.backend(), info().id, &begin_chunk, this)), run_stop_(stop), queue_(queue) {
        note_callable(callable_of(f));
        if (fail_fast_)
            values.reserve(items_.size());
        else
            outcomes.reserve(items_.size());
        listener_.self = this;
        listener_.fire = [](stop_node* n, stop_reason) noexcept { static_cast<node*>(n)->self->withdraw(); };
    }
    /// Starts the chunk; it returns through the queue.
    void launch() noexcept {
        accepted_ = enter_home_for_waiter();  // `leave` ends the registration
        if (!accepted_) {
            fail_all(std::make_exception_ptr(executor_stopped{}));
            return queue_.push(*this);
        }
        item_->mark_queued();
        run_stop_.add(listener_);  // may withdraw the item, which stays alive until this chunk has been collected
        item_->submit();
    }
    void stop() noexcept override {
        task_root::stop().request_stop();
        withdraw();
    }
    /// After its return through the queue, on the thread that launched it.
    void collect() {
        if (!accepted_) return;
        run_stop_.remove(listener_);
        if (!withdrawn_) return;
        queued_start::release(std::move(item_), info().executor);
        {
            const work_end end(env().home->registry(), registration());
        }
        fail_all(std::make_exception_ptr(cancelled{}));
    }
    /// On the thread that launched the chunk.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// The items from `from` on, which this chunk has returned. On the thread that launched it.
    [[nodiscard]] std::vector<Item> take_rest(std::size_t from) {
        const auto at = items_.begin() + static_cast<std::ptrdiff_t>(from);
        std::vector<Item> rest(std::make_move_iterator(at), std::make_move_iterator(items_.end()));
        size_ = from;
        return rest;
    }
    /// How long the items took; 0: one of them may have waited.
    [[nodiscard]] std::chrono::nanoseconds duration() const noexcept { return duration_; }
    std::vector<stored> values;  ///< of the first items, in a chunk that ends with a failure
    std::vector<outcome<result>> outcomes;  ///< of the others; fewer than items if a failure has ended the chunk

private:
    struct node : stop_node {
        local_chunk* self = nullptr;
    };
    static void begin_chunk(void* self) noexcept { static_cast<local_chunk*>(self)->run_start(); }
    void withdraw() noexcept {
        if (!item_->withdraw()) return;
        withdrawn_ = true;
        queue_.push(*this);
    }
    void fail_all(const std::exception_ptr& error) {
        while (values.size() + outcomes.size() < items_.size())
            outcomes.emplace_back(error);
    }
    std::coroutine_handle<> start() noexcept override {
        try {
            if (task_root::stop().stop_requested()) throw cancelled{};
            limit_.begin(env());
            if constexpr (bound::coroutine) {
                task_ = run_tasks();
                resume_tasks();
                return std::noop_coroutine();
            } else {
                const auto begin = std::chrono::steady_clock::now();
                if (fail_fast_)
                    run_to_failure();
                else
                    run();
                duration_ = std::chrono::steady_clock::now() - begin;
            }
        } catch (...) {
            fail_all(std::current_exception());
        }
        finish_now();
        return std::noop_coroutine();
    }
    void run_to_failure() noexcept {
        try {
            for (auto&& item : items_) {
                if constexpr (std::is_void_v<result>) {
                    call::bind(function_, static_cast<Item&&>(item))();
                    values.emplace_back();
                } else {
                    values.push_back(call::bind(function_, static_cast<Item&&>(item))());
                }
            }
        } catch (...) {
            outcomes.emplace_back(std::current_exception());
        }
    }
    void run() {
        for (auto&& item : items_) {
            try {
                if constexpr (std::is_void_v<result>) {
                    call::bind(function_, static_cast<Item&&>(item))();
                    outcomes.emplace_back();
                } else {
                    outcomes.emplace_back(call::bind(function_, static_cast<Item&&>(item))());
                }
            } catch (...) {
                outcomes.emplace_back(std::current_exception());
            }
        }
    }
    // When the coroutine has suspended, another thread may resume it: the side that leaves last completes the chunk.
    void resume_tasks() noexcept {
        users_.store(2, std::memory_order_relaxed);
        const auto before = std::chrono::steady_clock::now();
        {
            const local_worker::turns_of_item turns(this_thread_worker);
            begin(task_.frame(), task_.frame().promise()).resume();
        }
        const std::uint32_t from = returns_rest_ ? claims_.take_rest() : all();
        if (from != all()) {
            returned_.from = from;
            queue_.push(returned_);
        }
        if (users_.load(std::memory_order_acquire) == 1) duration_ = std::chrono::steady_clock::now() - before;
        leave();
    }
    [[nodiscard]] std::uint32_t all() const noexcept { return static_cast<std::uint32_t>(items_.size()); }
    task<void> run_tasks(frame_for<bound, stored> /*locals*/ = {}) {
        chunk_turn turn;
        while (const auto i = claims_.next()) {
            std::exception_ptr error;
            try {
                if (i != 0U) begin_next();
                auto one = call::bind(function_, static_cast<Item&&>(items_[*i]));
                if constexpr (std::is_void_v<result>) {
                    co_await one();
                    keep({});
                } else {
                    keep(co_await one());
                }
            } catch (...) {
                error = std::current_exception();
            }
            if (error != nullptr) {
                outcomes.emplace_back(std::move(error));
                if (fail_fast_) claims_.keep_rest();
            }
            if (returns_rest_ && turn.is_over()) co_return;
        }
    }
    void begin_next() {
        if (task_root::stop().stop_requested()) throw cancelled{};
        if (returns_rest_) begin_worker_turn();
    }
    void keep(stored&& value) {
        if (fail_fast_)
            values.push_back(std::move(value));
        else if constexpr (std::is_void_v<result>)
            outcomes.emplace_back();
        else
            outcomes.emplace_back(std::move(value));
    }
    // The work is outstanding until the map knows of its end.
    void leave() noexcept {
        if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        const work_end end(env().home->registry(), registration());
        queue_.push(*this);
    }
    void ended() noexcept override {
        // A chunk with a limit has one item.
        if (limit_.active()) {
            std::exception_ptr error = limit_.end(env(), outcomes.empty() ? nullptr : outcomes.front().error(),
                                                  info().name, callable_of(function_));
            if (error != nullptr) {
                values.clear();
                outcomes.clear();
                outcomes.emplace_back(std::move(error));
            }
        }
        leave();
    }

    const F& function_;
    std::vector<Item> items_;  // of bool, too: its elements are proxies
    std::size_t size_;  // without the items that were returned
    const bool fail_fast_;
    const bool returns_rest_;
    run_limit limit_;
    queued_start::pointer item_;
    node listener_;
    stop_state& run_stop_;
    std::chrono::nanoseconds duration_{0};
    bool accepted_ = false;
    bool withdrawn_ = false;
    completion_queue& queue_;
    task<void> task_;
    item_claims claims_{all()};  // of tasks
    std::atomic<int> users_{1};  // 2: a coroutine, and the thread that has begun it
    returned_items returned_{*this};
};

}  // namespace cadre::detail
