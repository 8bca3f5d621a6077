// A user-defined executor: cadre's executor interface, implemented with oneTBB. `main.cpp` uses it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <cadre/cadre.hpp>
#include <cadre/executor_backend.hpp>

/// Runs tasks on the threads of a oneTBB arena. Tasks, `when_all`, `on`, `map`, channels, cells and locks, timeouts and
/// stop requests are cadre's and are built on the function `submit`.
class tbb_backend final : public cadre::executor_backend {
public:
    explicit tbb_backend(std::size_t workers)
        // No slot is reserved for the submitting thread, which does not run items.
        : workers_(workers), arena_(static_cast<int>(workers), /*reserved_for_masters=*/0) {
        allow_more_threads();
    }

    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return workers_; }
    [[nodiscard]] std::string name() const override { return "tbb"; }

    using executor_backend::submit;  // the other overload is for remote executors
    /// The contract: a thread of the arena runs each item once, after `submit` has been called. Items belong to their
    /// submitter; most of them resume a task.
    void submit(std::span<cadre::work_item* const> items) noexcept override {
        for (cadre::work_item* item : items)
            arena_.enqueue([item] { item->run(item); });
    }

private:
    /// By default oneTBB runs no more threads in a process than there are cores, and counts the submitting thread. Each
    /// arena has its own limit, so the global one is raised once.
    static void allow_more_threads() {
        constexpr std::size_t plenty = 256;
        static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, plenty);
    }

    std::size_t workers_;
    tbb::task_arena arena_;
};

/// Registers the kind `tbb` for the command line, the environment, the configuration file (`kind = "tbb"`) and
/// make_executor. Call it before the `runtime` is created.
inline void register_tbb() {
    cadre::register_executor_kind("tbb", [](const cadre::executor_config& config) {
        // An unknown option is an error that names its place in the file.
        constexpr std::string_view known[] = {"workers"};
        config.allow_only(known);
        const int cores = static_cast<int>(std::thread::hardware_concurrency());
        const int workers = config.workers().value_or(cores > 0 ? cores : 1);
        return cadre::executor{std::make_shared<tbb_backend>(static_cast<std::size_t>(workers))};
    });
}
