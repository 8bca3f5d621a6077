#include "failure_cell.hpp"

#include "no_free_descriptors.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/this_worker.hpp>
#include <cadre/timeout.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace cadre::soak {
namespace {

using namespace std::chrono_literals;

constexpr auto limit = 150ms;
constexpr auto grace = 50ms;

// What the task that runs does after it has begun.
enum class deed { spin, until_stopped, a_while, crash, exit, exception, memory };

int perform(deed what) {
    switch (what) {
        case deed::spin:
            for (;;)
                asm volatile("");
        case deed::until_stopped:
            while (!stop_requested())
                asm volatile("");
            return 7;
        case deed::a_while: {
            const auto end = std::chrono::steady_clock::now() + 2 * limit;
            while (std::chrono::steady_clock::now() < end)
                asm volatile("");
            return 7;
        }
        case deed::crash: ::raise(SIGSEGV); break;
        case deed::exit: ::_exit(3);
        case deed::exception: throw std::domain_error("as agreed");
        case deed::memory: {
            std::vector<std::vector<char>> all;
            for (;;)
                all.emplace_back(std::size_t{1} << 20, 'x');
        }
    }
    return 7;
}

// The channel tells the program in which process it is.
task<int> act(channel<pid_t> begun, deed what) {
    co_await begun.send(this_worker::pid());
    co_await yield();
    co_return perform(what);
}
task<int> wait(channel<pid_t> begun) {
    co_await begun.send(this_worker::pid());
    co_await sleep_for(5 * limit);
    co_return 7;
}
int seven() { return 7; }

deed deed_at(incident what) {
    switch (what) {
        case incident::crash: return deed::crash;
        case incident::exit: return deed::exit;
        case incident::exception: return deed::exception;
        case incident::memory: return deed::memory;
        case incident::stop_request: return deed::until_stopped;
        case incident::server_killed: return deed::a_while;
        default: return deed::spin;
    }
}

// Beside the call: another task that waits for nothing ends by itself where nothing else ends it.
deed deed_of_other(incident what) {
    const deed d = deed_at(what);
    const bool ends_the_other = what == incident::killed || what == incident::stopped ||
                                what == incident::task_timeout || what == incident::no_descriptor ||
                                what == incident::shutdown;
    return d == deed::crash || d == deed::exit || d == deed::exception || d == deed::memory || ends_the_other
               ? d
               : deed::a_while;
}

executor make_executor(incident what) {
    return process_executor{{
        .workers = 1,
        .task_timeout = what == incident::stopped || what == incident::task_timeout ? limit : 0ms,
        .kill_grace = grace,
        .memory_limit = what == incident::memory ? std::size_t{256} << 20 : 0,
        .output = worker_output::null,
    }};
}

std::string name_of(const outcome<int>& o) {
    if (o.has_value()) return *o == 7 ? "its result" : "a wrong result";
    try {
        std::rethrow_exception(o.error());
    } catch (const worker_crashed&) {
        return "`worker_crashed`";
    } catch (const worker_lost&) {
        return "`worker_lost`";
    } catch (const task_killed& e) {
        return std::string("`task_killed`, ") + to_string(e.reason());
    } catch (const timed_out&) {
        return "`timed_out`";
    } catch (const cancelled&) {
        return "`cancelled`";
    } catch (const executor_stopped&) {
        return "`executor_stopped`";
    } catch (const std::bad_alloc&) {
        return "`bad_alloc`";
    } catch (const std::domain_error& e) {
        return e.what() == std::string("as agreed") ? "its exception" : "a wrong text";
    } catch (const std::exception& e) {
        return e.what();
    }
}

// The fork server of the worker `pid`, which is its parent.
pid_t parent_of(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(in, text);
    return std::atoi(text.c_str() + text.rfind(')') + 4);
}

/// The call that the table speaks of, and how to stop it.
struct subject {
    job<int> started{};  // unless it is a map
    std::stop_source stop{};
};

task<int> map_one(executor ex, channel<pid_t> begun, deed what, std::chrono::nanoseconds own) {
    std::vector<std::pair<channel<pid_t>, deed>> items(2, {begun, deed::until_stopped});
    items[0].second = what;
    items.pop_back();
    const auto all = co_await map(ex, act, items, {.timeout = own});
    co_return all.at(0);
}

task<void> strike(incident what, executor ex, pid_t worker, subject& call) {
    switch (what) {
        case incident::no_descriptor: {
            // A call that was not in the worker needs a new one, and waits until there is room for it.
            const cadre::tests::no_free_descriptors none;
            ::kill(worker, SIGKILL);
            co_await sleep_for(limit);
            break;
        }
        case incident::killed: ::kill(worker, SIGKILL); break;
        case incident::stopped: ::kill(worker, SIGSTOP); break;
        case incident::stop_request: call.stop.request_stop(); break;
        case incident::kill_request: call.started.kill(); break;
        case incident::shutdown: co_await ex.shutdown(limit); break;
        case incident::server_killed: ::kill(parent_of(worker), SIGKILL); break;
        default: break;  // the tasks do it
    }
}

task<int> await_job(job<int>& j) { co_return co_await std::move(j); }

// Empty if this machine was so slow that the limits of the tasks have passed before everything was in place.
task<std::string> try_cell(incident what, moment when) {
    const executor ex = make_executor(what);
    const channel<pid_t> other_begun{ex, 1};
    const channel<pid_t> begun{ex, 1};
    const std::chrono::nanoseconds own = what == incident::own_limit ? limit : 0ms;
    const executor with_limit = ex.with({.timeout = own});
    subject call;
    job<int> other;
    pid_t worker = 0;
    if (when == moment::waits) {
        other = spawn(ex, act, other_begun, deed_of_other(what));
        worker = (co_await other_begun.receive()).value_or(0);
        call.started = spawn(with_limit, seven);
    } else if (when == moment::runs) {
        call.started = spawn(with_limit, act, begun, deed_at(what));
    } else if (when == moment::suspended || when == moment::beside) {
        call.started = spawn(with_limit, wait, begun);
    }
    task<int> end = when == moment::item ? map_one(ex, begun, deed_at(what), own) : await_job(call.started);
    scope s;
    std::string ended;
    s.spawn(
        [](task<int> awaited, std::stop_token stop, std::string& to) -> task<void> {
            to = name_of(co_await as_outcome(with_stop(stop, std::move(awaited))));
        },
        std::move(end), call.stop.get_token(), std::ref(ended));
    if (when != moment::waits) worker = (co_await begun.receive()).value_or(0);
    const auto first_began = std::chrono::steady_clock::now();
    if (when == moment::beside) {
        other = spawn(ex, act, other_begun, deed_of_other(what));
        (void)co_await other_begun.receive();
    }
    const bool in_time = std::chrono::steady_clock::now() - first_began < limit / 3;
    co_await strike(what, ex, worker, call);
    co_await s.join();
    co_return in_time ? ended : "";
}

}  // namespace

task<std::string> end_of_call(incident what, moment when) {
    std::string end;
    for (int tries = 0; end.empty() && tries != 50; ++tries)
        end = co_await try_cell(what, when);
    co_return end;
}

}  // namespace cadre::soak
