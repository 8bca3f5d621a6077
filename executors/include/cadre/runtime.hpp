/// @file
/// The first object of `main`: starts the fork server, reads the configuration, runs the main task.
///
///     int main(int argc, char** argv) {
///         cadre::runtime rt(argc, argv);
///         return rt.run(app(rt.executor()));
///     }
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <cadre/config.hpp>
#include <cadre/detail/task/block_on.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// The home and the stop state of the main task; Ctrl-C requests its stop.
class main_run {
public:
    /// @throws std::logic_error inside a task
    explicit main_run(const executor& default_executor);
    main_run(const main_run&) = delete;
    main_run& operator=(const main_run&) = delete;
    ~main_run();

    [[nodiscard]] std::shared_ptr<executor_backend> home() const;
    [[nodiscard]] stop_state& stop() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace detail

/// The program's executors and its main task. Construct it first in `main`, before any thread exists.
class runtime {
public:
    /// Reads, strongest first: the command line (`--executor=SPEC`, `--workers=N`, `--config=FILE`, each also with
    /// its value as the next argument), the environment (`CADRE_EXECUTOR`, `CADRE_WORKERS`, `CADRE_CONFIG`), the
    /// TOML file, the default `thread`. Removes these options; `argv` stays null-terminated. Ignores arguments after `--`. A
    /// bad configuration prints `program: message` to standard error and ends the program with status 2.
    runtime(int& argc, char** argv);
    /// Uses the configuration as it is, without command line and environment.
    /// @throws config_error if the default executor is unknown
    explicit runtime(config c = {});
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    /// Shuts down every executor that it made; requests stop of running work and waits for its end.
    ~runtime();

    /// The default executor, made at the first call. Thread-safe.
    /// @throws config_error if the executor cannot be made
    [[nodiscard]] cadre::executor executor();
    /// The executor of that name, made at the first call. Thread-safe.
    /// @throws config_error if the name is unknown (the message lists the known names) or the executor cannot be made
    [[nodiscard]] cadre::executor executor(std::string_view name);

    /// The configuration in force, from file, environment and command line.
    [[nodiscard]] const config& configuration() const noexcept;

    /// Blocks until `main_task` has ended, and drives all serial executors meanwhile. The task's home is `executor()` if that
    /// is local, else a serial loop on this thread. The first Ctrl-C requests stop of the task, the second ends the program
    /// with status 130. One call at a time, on the thread that made the runtime.
    /// @return the result of the task; rethrows its exception
    /// @throws std::logic_error inside a task: `co_await` the task there
    template <class T>
    T run(task<T> main_task) {
        const detail::main_run main(executor());
        return detail::block_on(main.home(), &main.stop(), std::move(main_task));
    }

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace cadre
