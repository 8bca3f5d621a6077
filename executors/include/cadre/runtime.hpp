/// @file
/// The first object of `main`: starts the fork server, reads the configuration, runs the main task.
///
///     int main(int argc, char** argv) {
///         cadre::runtime rt(argc, argv);
///         return rt.run(app(rt.executor()));
///     }
#pragma once

#include <concepts>
#include <memory>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include <cadre/config.hpp>
#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/coroutine/await_transform.hpp>
#include <cadre/detail/task/block_on.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// The home and the stop state of the main task; Ctrl-C and SIGTERM request its stop.
class main_run {
public:
    /// @param home  null: a serial loop that this thread drives @throws std::logic_error inside a task
    explicit main_run(std::shared_ptr<executor_backend> home);
    main_run(const main_run&) = delete;
    main_run& operator=(const main_run&) = delete;
    ~main_run();

    [[nodiscard]] std::shared_ptr<executor_backend> home() const;
    [[nodiscard]] stop_state& stop() const noexcept;
    /// The signal that requested stop; 0 if none has.
    [[nodiscard]] int stop_signal() const noexcept;

private:
    struct state;
    owning_pointer<state> state_;
};

/// The result of a main function: of `f(executor)`, or of `f()`. Void if `F` can be called in neither way.
template <class F>
struct main_function_result {
    using type = void;
};
template <class F>
    requires std::invocable<F&, executor>
struct main_function_result<F> {
    using type = std::invoke_result_t<F&, executor>;
};
template <class F>
    requires(std::invocable<F&> && !std::invocable<F&, executor>)
struct main_function_result<F> {
    using type = std::invoke_result_t<F&>;
};

/// A coroutine function that `runtime::run` can call.
template <class F>
concept main_function = is_task<typename main_function_result<F>::type>;

/// Whether the result of a task can be the exit status of the program.
template <class R>
inline constexpr bool exit_status_of = false;
template <class T>
inline constexpr bool exit_status_of<task<T>> = std::is_void_v<T> || requires { static_cast<int>(std::declval<T>()); };

/// Prints the exception that is being handled to standard error. @return the exit status
int report_uncaught(const char* program);

}  // namespace detail

/// The program's executors and its main task. Construct it first in `main`, before any thread exists.
class runtime {
public:
    /// Reads, strongest first: the command line (`--executor=SPEC`, `--workers=N`, `--config=FILE`, each also with
    /// its value as the next argument), the environment (`CADRE_EXECUTOR`, `CADRE_WORKERS`, `CADRE_CONFIG`), the
    /// TOML file, the default `thread`. Removes these options; `argv` stays null-terminated. Ignores arguments after
    /// `--`. A bad configuration prints `program: message` to standard error and ends the program with status 2.
    runtime(int& argc, char** argv);
    /// Uses the configuration as it is, without command line and environment.
    /// @throws config_error if the default executor is unknown
    explicit runtime(config c);
    /// The same with the default configuration.
    explicit runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    /// Shuts down every executor that it made; requests stop of running work and waits for its end. A worker process
    /// that has not ended after `kill_grace` is killed. After three seconds it prints to standard error which executors
    /// and tasks are awaited. Does nothing in a process that was forked from the one that made the runtime: executors
    /// and workers stay its parent's.
    ~runtime();

    /// The default executor, made at the first call. Thread-safe.
    /// @throws config_error if the executor cannot be made
    [[nodiscard]] cadre::executor executor();
    /// The executor of that name, made at the first call. Thread-safe.
    /// @throws config_error if the name is unknown (the message lists the known names) or the executor cannot be made
    [[nodiscard]] cadre::executor executor(std::string_view name);

    /// The configuration in force, from file, environment and command line.
    [[nodiscard]] const config& configuration() const noexcept;

    /// Blocks until `main_task` has ended, and drives all serial executors meanwhile. The task's home is a serial loop
    /// on the calling thread, whatever the default executor is: the loop of that executor if it is a serial one. So
    /// what the task shares with the children of its scopes needs no lock on any kind; only calls of `on`, `spawn` and
    /// `map` run in parallel. One call at a time, on the thread that made the runtime.
    ///
    /// The first Ctrl-C (SIGINT) or SIGTERM requests stop of the task; a second one ends the program immediately, with
    /// status 130 or 143. If the task then ends by `cancelled`, `run` shuts down all executors and ends the program by
    /// that signal itself: no handler is needed, and a shell sees 130 (143). Otherwise `run` returns the result of the
    /// task or rethrows its exception. Signals that the program handles, or inherits as ignored, keep their action.
    /// @param where is named in reports of waiting tasks
    /// @return the result of the task; rethrows its exception
    /// @throws std::logic_error inside a task: `co_await` the task there
    /// @throws deadlock if the home has a virtual clock or a seed and everything waits for something that cannot happen
    /// any more: stop of all tasks was requested, and they have ended
    template <class T>
    T run(task<T> main_task, std::source_location where = std::source_location::current()) {
        return run_at(home_of_run(), std::move(main_task), where);
    }
    /// The same with a function: runs `f(executor())`, or `f()`.
    template <class F>
    auto run(F f, [[maybe_unused]] std::source_location where = std::source_location::current()) {
        static_assert(detail::main_function<F>,
                      "cadre::runtime::run takes a cadre::task, or a coroutine function that returns one and takes a "
                      "cadre::executor or nothing");
        if constexpr (detail::main_function<F>)
            return run(invoke_main(f), where);
        else
            return detail::refused_await::any_value();
    }

    /// Like `run`, but a thread executor is itself the home: the task and the children of its `when_all` and `scope`
    /// run in parallel on the pool. On the other kinds this is `run`.
    template <class T>
    T run_parallel(task<T> main_task, std::source_location where = std::source_location::current()) {
        return run_at(home_of_run_parallel(), std::move(main_task), where);
    }
    template <class F>
    auto run_parallel(F f, [[maybe_unused]] std::source_location where = std::source_location::current()) {
        static_assert(
            detail::main_function<F>,
            "cadre::runtime::run_parallel takes a cadre::task, or a coroutine function that returns one and takes a "
            "cadre::executor or nothing");
        if constexpr (detail::main_function<F>)
            return run_parallel(invoke_main(f), where);
        else
            return detail::refused_await::any_value();
    }

private:
    template <class T>
    T run_at(std::shared_ptr<executor_backend> home, task<T> main_task, std::source_location where) {
        const detail::main_run main(std::move(home));
        try {
            return detail::block_on(main.home(), &main.stop(), std::move(main_task), where);
        } catch (const cancelled&) {
            if (const int signal = main.stop_signal(); signal != 0) end_by_signal(signal);
            throw;
        }
    }
    /// Null: a serial loop of the calling thread. The default executor is made only if it may be the home.
    [[nodiscard]] std::shared_ptr<executor_backend> home_of_run();
    [[nodiscard]] std::shared_ptr<executor_backend> home_of_run_parallel();
    void shut_down();
    [[noreturn]] void end_by_signal(int signal);
    template <class F>
    auto invoke_main(F& f) {
        if constexpr (std::invocable<F&, cadre::executor>)
            return f(executor());
        else
            return f();
    }

    struct state;
    detail::owning_pointer<state> state_;
};

/// A whole `main`: makes the `runtime`, runs `app(rt.executor())`, or `app()`, by `runtime::run`, and shuts down. An
/// error that leaves the main task is printed to standard error in one line: its type, its text, and the worker and
/// task in which it was thrown; the stack of a worker that crashed follows, or the tasks of a deadlock.
///
///     int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
///
/// @return the result of the main task if it is an `int`, 0 if it is `void`, 1 after an error; a bad configuration ends
///         the program with status 2
template <class App>
int run_main(int argc, char** argv, App app,
             [[maybe_unused]] std::source_location where = std::source_location::current()) {
    using result = typename detail::main_function_result<App>::type;
    static_assert(
        detail::main_function<App>,
        "cadre::run_main takes a coroutine function itself, not its result: it returns a cadre::task and takes "
        "a cadre::executor or nothing");
    static_assert(!detail::main_function<App> || detail::exit_status_of<result>,
                  "cadre::run_main: the result of the task is the exit status of the program; return a task<int> or a "
                  "task<void>");
    if constexpr (detail::exit_status_of<result>) {
        runtime rt(argc, argv);
        try {
            if constexpr (std::is_void_v<typename result::value_type>) {
                rt.run(std::move(app), where);
                return 0;
            } else {
                return static_cast<int>(rt.run(std::move(app), where));
            }
        } catch (...) {
            return detail::report_uncaught(argv[0]);
        }
    } else {
        return argc == 0 || argv == nullptr;
    }
}

}  // namespace cadre
