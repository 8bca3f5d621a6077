/// @file
/// A chunk of a map on a local executor.
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/call/map_chunk.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/queued_start.hpp>
#include <cadre/detail/call/run_limit.hpp>
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
    /// With `fail_fast` the first failure ends the chunk. `stop` outlives it.
    local_chunk(const executor& ex, const map_options& options, const F& f, std::vector<Item>&& items, stop_state& stop,
                bool fail_fast, completion_queue& queue)
        : task_root(ex.backend(), &stop, std::string(options.name)), function_(f), items_(std::move(items)),
          fail_fast_(fail_fast), limit_(options.timeout),
          item_(queued_start::make(*ex.backend(), info().id, &begin_chunk, this)), run_stop_(stop), queue_(queue) {
        if (bound::coroutine || !fail_fast_)
            outcomes.reserve(items_.size());
        else
            values.reserve(items_.size());
        listener_.self = this;
        listener_.fire = [](stop_node* n, stop_reason) noexcept { static_cast<node*>(n)->self->withdraw(); };
    }
    /// Starts the chunk; it returns through the queue.
    void launch() noexcept {
        accepted_ = enter_home();
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
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    /// How long the items took; 0: they may have been suspended.
    [[nodiscard]] std::chrono::nanoseconds duration() const noexcept { return duration_; }
    std::vector<stored> values;  ///< of the first items, of a plain function in a chunk that ends with a failure
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
                return begin(task_.frame(), task_.frame().promise());
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
    task<void> run_tasks() {
        for (auto&& item : items_) {
            std::exception_ptr error;
            try {
                auto one = call::bind(function_, static_cast<Item&&>(item));
                if constexpr (std::is_void_v<result>) {
                    co_await one();
                    outcomes.emplace_back();
                } else {
                    outcomes.emplace_back(co_await one());
                }
            } catch (...) {
                error = std::current_exception();
            }
            if (error == nullptr) continue;
            outcomes.emplace_back(std::move(error));
            if (fail_fast_) co_return;
        }
    }
    void ended() noexcept override {
        // A chunk with a limit has one item.
        if (limit_.active()) {
            std::exception_ptr error =
                limit_.end(env(), outcomes.empty() ? nullptr : outcomes.front().error(), info().name);
            if (error != nullptr) {
                values.clear();
                outcomes.clear();
                outcomes.emplace_back(std::move(error));
            }
        }
        queue_.push(*this);
    }

    const F& function_;
    std::vector<Item> items_;  // of bool, too: its elements are proxies
    const bool fail_fast_;
    run_limit limit_;
    queued_start::pointer item_;
    node listener_;
    stop_state& run_stop_;
    std::chrono::nanoseconds duration_{0};
    bool accepted_ = false;
    bool withdrawn_ = false;
    completion_queue& queue_;
    task<void> task_;
};

}  // namespace cadre::detail
