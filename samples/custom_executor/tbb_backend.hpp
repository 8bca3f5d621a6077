// An executor of your own: oneTBB behind cadre's executor interface. This file is all it takes; `main.cpp` uses it.
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
/// stop requests all come from cadre and are built on the one function `submit`.
class tbb_backend final : public cadre::executor_backend {
public:
    explicit tbb_backend(std::size_t workers)
        // No slot is reserved for the thread that submits: it goes on with its own work and does not help.
        : workers_(workers), arena_(static_cast<int>(workers), /*reserved_for_masters=*/0) {
        allow_more_threads();
    }

    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return workers_; }
    [[nodiscard]] std::string name() const override { return "tbb"; }

    using executor_backend::submit;  // the other one is for executors whose work leaves this process
    /// The whole contract: each item is run once, later, by a thread of the arena. Items belong to whoever submits
    /// them, and resuming a task is what they usually do.
    void submit(std::span<cadre::work_item* const> items) noexcept override {
        for (cadre::work_item* item : items) {
            arena_.enqueue([item] { item->run(item); });
        }
    }

private:
    /// oneTBB never runs more threads in a process than it has cores, and counts the submitting thread as one of them.
    /// Arenas have limits of their own, so that one is lifted, once for all of them.
    static void allow_more_threads() {
        constexpr std::size_t plenty = 256;
        static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, plenty);
    }

    std::size_t workers_;
    tbb::task_arena arena_;
};

/// Makes `tbb` and `tbb:4` work wherever a kind of executor is named: on the command line, in the environment, in the
/// configuration file (`kind = "tbb"`), and in make_executor. Call it before the `runtime` is made.
inline void register_tbb() {
    cadre::register_executor_kind("tbb", [](const cadre::executor_config& config) {
        // Refuse what would be ignored: a misspelt or unsupported option is an error with its place in the file.
        constexpr std::string_view known[] = {"workers"};
        config.allow_only(known);
        const int cores = static_cast<int>(std::thread::hardware_concurrency());
        const int workers = config.workers().value_or(cores > 0 ? cores : 1);
        return cadre::executor{std::make_shared<tbb_backend>(static_cast<std::size_t>(workers))};
    });
}
