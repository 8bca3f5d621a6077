/// @file
/// A chunk of a map on a local executor.
#pragma once

#include <coroutine>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/call/map_chunk.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/outcome.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

template <class F, class Item>
class local_chunk final : public map_chunk, public task_root {
    using call = item_call<F, Item>;
    using bound = item_bound<F, Item>;
    using result = typename bound::result;

public:
    local_chunk(const executor& ex, std::string name, const F& f, std::vector<Item>&& items, stop_state& stop,
                std::chrono::nanoseconds item_limit, completion_queue& queue)
        : task_root(ex.backend(), &limit(item_limit, stop), std::move(name)), function_(f), items_(std::move(items)),
          queue_(queue) {
        outcomes.reserve(items_.size());
    }
    /// Starts the chunk; it returns through the queue.
    void launch() noexcept {
        if (task_root::launch()) return;
        fail_all(std::make_exception_ptr(executor_stopped{}));
        ended();
    }
    std::vector<outcome<result>> outcomes;

private:
    void fail_all(const std::exception_ptr& error) {
        while (outcomes.size() < items_.size())
            outcomes.emplace_back(error);
    }
    std::coroutine_handle<> start() noexcept override {
        if (this->stop().stop_requested()) {
            fail_all(std::make_exception_ptr(cancelled{}));
        } else if constexpr (bound::coroutine) {
            task_ = run_tasks();
            return begin(task_.frame(), task_.frame().promise());
        } else {
            run();
        }
        finish_now();
        return std::noop_coroutine();
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
            if (error != nullptr) outcomes.emplace_back(std::move(error));
        }
    }
    void ended() noexcept override { queue_.push(*this); }

    const F& function_;
    std::vector<Item> items_;  // of bool, too: its elements are proxies
    completion_queue& queue_;
    task<void> task_;
};

}  // namespace cadre::detail
