#include <cadre/runtime.hpp>

#include "base/freed_memory.hpp"
#include "base/process_owner.hpp"
#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/resolve.hpp"
#include "config/suggest.hpp"
#include "coroutine/trace_recorder.hpp"
#include "runtime/observer.hpp"
#include "runtime/shutdown_notice.hpp"
#include "runtime/stop_signals.hpp"
#include "runtime/uncaught.hpp"
#include "scheduler/event_log.hpp"

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/make_executor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cadre {

struct runtime::state {
    struct entry {
        std::mutex making{};  // held while the factory of the program runs, which may make other executors
        cadre::executor made{};  // written under both locks, read under one of them
    };

    explicit state(detail::resolved_config c) : configured(std::move(c)), observed(detail::observer::start()) {}

    /// The rest of a runtime's start. @throws config_error
    void start() {
        serve();
        start_trace();
        if (configured.only_factory_can_check) make_default();
    }

    /// Calls the factory without `mutex`: it is code of the program and may make other executors.
    const cadre::executor& make(const std::string& name, const executor_config& c) {
        entry* e = nullptr;
        {
            const std::lock_guard lock(mutex);
            e = &entries[name];
        }
        const std::lock_guard once(e->making);
        if (!e->made) {
            cadre::executor made = make_executor(c);
            const std::lock_guard lock(mutex);
            e->made = std::move(made);
        }
        return e->made;
    }

    [[nodiscard]] std::map<std::string, cadre::executor, std::less<>> made() {
        const std::lock_guard lock(mutex);
        std::map<std::string, cadre::executor, std::less<>> all;
        for (const auto& [name, e] : entries)
            if (e.made) all.emplace(name, e.made);
        return all;
    }

    /// Called before any other thread starts. Only the factory can check a number of workers that a weaker source sets.
    void make_default() {
        executor_config& chosen = configured.chosen;
        try {
            make(chosen.name, chosen);
        } catch (const config_error&) {
            if (!configured.without_weaker_count) throw;
            chosen = *std::exchange(configured.without_weaker_count, std::nullopt);
            if (const auto named = configured.all.executors.find(chosen.name); named != configured.all.executors.end())
                named->second = chosen;
            make(chosen.name, chosen);
        }
    }

    /// Does not return in a process that a launcher has started as an agent.
    void serve() const {
        detail::serve_kind(configured.chosen);
        for (const auto& [name, c] : configured.all.executors)
            detail::serve_kind(c);
    }

    /// The recorder has a thread, as `observed` has.
    void start_trace() {
        const std::string& file = configured.trace_file;
        if (file.empty()) return;
        if (const std::string why = detail::trace::start(file); !why.empty())
            detail::fail_at(configured.trace_origin, "cannot write '" + file + "': " + why);
    }

    const detail::process_owner owner{};
    detail::resolved_config configured;
    std::mutex mutex{};  // a leaf: guards the map
    std::map<std::string, entry, std::less<>> entries{};  // by name; an unnamed default executor as ""
    std::shared_ptr<detail::observer> observed;  // it has a thread: made after the kinds have started their processes
};

namespace {

// How long the end of a runtime waits for a log handler.
constexpr std::chrono::seconds log_limit{2};

// The command line of this process, for a runtime that is made without it. Never destroyed: the hooks of the kinds may
// keep pointers into it.
std::vector<char*>& own_command_line() {
    static std::string text = [] {
        std::ifstream file("/proc/self/cmdline", std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    static std::vector<char*> words = [] {
        std::vector<char*> result;
        for (std::size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) {
            result.push_back(text.data() + at);
            if (text.find('\0', at) == std::string::npos) break;
        }
        result.push_back(nullptr);
        return result;
    }();
    return words;
}

// Prints a single line.
[[noreturn]] void refuse_to_start(const char* path, std::string message) {
    std::ranges::replace(message, '\n', ' ');
    const std::string program = detail::program_name(path);
    std::fprintf(stderr, "%s: %s\n", program.c_str(), message.c_str());
    std::exit(2);
}

// Asks all work to stop and waits for its end: after the runtime nothing can await a result.
void shut_down(const std::map<std::string, executor, std::less<>>& executors) {
    std::atomic<std::size_t> open = executors.size();
    for (const auto& [name, ex] : executors) {
        ex.backend()->shutdown(std::chrono::steady_clock::now(), [&open] {
            if (open.fetch_sub(1) == 1) detail::wake_loop_drivers();
        });
    }
    if (open.load() != 0) {
        const detail::shutdown_notice notice(executors);
        const std::string deadlock = detail::drive_until([&open] { return open.load() == 0; });
        if (!deadlock.empty())
            std::fprintf(stderr, "cadre: deadlock while executors shut down: %s\n", deadlock.c_str());
    }
}

}  // namespace

runtime::runtime(int& argc, char** argv) {
    detail::install_terminate_handler();
    detail::start_kinds(argc, argv);
    detail::keep_freed_memory();
    try {
        const detail::settings command_line = detail::take_command_line(argc, argv);
        state_.reset(new state(detail::resolve(command_line, detail::from_environment())));
        state_->start();
    } catch (const config_error& e) {
        refuse_to_start(argc > 0 ? argv[0] : nullptr, e.what());
    }
}

runtime::runtime() : runtime(config()) {}

runtime::runtime(config c) {
    detail::install_terminate_handler();
    if (!detail::kinds_started()) {
        std::vector<char*>& words = own_command_line();
        detail::start_kinds(static_cast<int>(words.size()) - 1, words.data());
        detail::keep_freed_memory();
    }
    state_.reset(new state(detail::resolve(std::move(c))));
    state_->start();
}

runtime::~runtime() {
    if (!state_->owner.here()) {
        static_cast<void>(state_.release());  // a fork: the executors, their threads and workers are its parent's
        return;
    }
    shut_down();
}

void runtime::shut_down() {
    if (const auto made = state_->made(); !made.empty()) cadre::shut_down(made);
    detail::finish_kinds();
    state_->observed = nullptr;
    detail::event_log::flush(log_limit);
    if (!state_->configured.trace_file.empty()) detail::trace::finish();
}

void runtime::end_by_signal(int signal) {
    shut_down();
    detail::end_by_signal(signal);
}

executor runtime::executor() {
    const executor_config& chosen = state_->configured.chosen;
    return state_->make(chosen.name, chosen);
}

executor runtime::executor(std::string_view name) {
    const auto& known = configuration().executors;
    const auto at = known.find(name);
    if (at == known.end()) {
        std::vector<std::string> names;
        for (const auto& [each, c] : known)
            names.push_back(each);
        throw config_error("unknown executor '" + std::string(name) + "'" + detail::did_you_mean(name, names) +
                           (names.empty() ? " (the configuration names none)"
                                          : " (named in the configuration: " + detail::listed(names) + ")"));
    }
    return state_->make(at->first, at->second);
}

std::shared_ptr<executor_backend> runtime::home_of_run() {
    const std::string& kind = state_->configured.chosen.kind;
    if (kind == "thread" || kind == "process") return nullptr;
    const cadre::executor ex = executor();  // a kind of the program's own may be a serial loop
    return ex.kind() == executor_kind::serial ? ex.backend() : nullptr;
}

std::shared_ptr<executor_backend> runtime::home_of_run_parallel() {
    if (state_->configured.chosen.kind == "process") return nullptr;
    const cadre::executor ex = executor();
    return ex.kind() == executor_kind::serial || ex.kind() == executor_kind::thread ? ex.backend() : nullptr;
}

const config& runtime::configuration() const noexcept { return state_->configured.all; }

namespace detail {

struct main_run::state {
    explicit state(std::shared_ptr<executor_backend> at) : home(std::move(at)) {}

    const std::shared_ptr<executor_backend> home;
    stop_state stop{};
    const stop_signal_watch signals{stop};
};

main_run::main_run(std::shared_ptr<executor_backend> home) {
    if (current_environment() != nullptr)
        throw std::logic_error("runtime::run inside a task would block its executor: co_await the task instead");
    state_.reset(new state(home != nullptr ? std::move(home) : run_loop::make("main")));
}

main_run::~main_run() = default;

std::shared_ptr<executor_backend> main_run::home() const { return state_->home; }
stop_state& main_run::stop() const noexcept { return state_->stop; }
int main_run::stop_signal() const noexcept { return state_->signals.received(); }

}  // namespace detail
}  // namespace cadre
