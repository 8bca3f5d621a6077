// Shows: a worker process that crashes fails only its own task. Of eight tasks one dereferences a null pointer, one
// aborts, one calls exit(3) and one throws. The other four return their results, and each of these four gives a typed
// error.

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <ranges>
#include <stdexcept>
#include <string>

#include <cadre/cadre.hpp>

namespace {

/// Squares its argument, unless it crashes or throws before.
int risky(int i) {
    switch (i) {
        case 1: {
            // Both volatile, so that the compiler does not remove the undefined behaviour.
            volatile int* volatile nowhere = nullptr;
            return *nowhere;
        }
        case 3: std::abort();
        case 5: std::exit(3);
        case 6: throw std::runtime_error("six is rejected");
        default: break;
    }
    return i * i;
}

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name == nullptr ? std::to_string(signal) : "SIG" + std::string(name);
}

/// The error as text that is the same on every run; what() of a crash also contains worker, task and pid.
std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const cadre::worker_crashed& death) {
        return death.signal() != 0 ? "worker_crashed: signal " + signal_name(death.signal())
                                   : "worker_crashed: exit code " + std::to_string(death.exit_code());
    } catch (const std::runtime_error& thrown) {
        return std::string("std::runtime_error: ") + thrown.what();
    } catch (...) {
        return "an unexpected error";
    }
}

std::string expected(int i) {
    switch (i) {
        case 1: return "worker_crashed: signal SIGSEGV";
        case 3: return "worker_crashed: signal SIGABRT";
        case 5: return "worker_crashed: exit code 3";
        case 6: return "std::runtime_error: six is rejected";
        default: return std::to_string(i * i);
    }
}

cadre::task<int> app(cadre::executor chosen) {
    // Only a worker process can die without ending this program: on a serial or thread executor the three fatal tasks
    // would end it. Work that may crash goes to worker processes, whatever the rest of the program runs on.
    const bool has_processes = chosen.kind() == cadre::executor_kind::process ||
                               chosen.kind() == cadre::executor_kind::mpi ||
                               chosen.kind() == cadre::executor_kind::cluster;
    const auto ex = has_processes ? chosen : cadre::make_executor("process:2");

    // map would stop at the first error; map_outcomes returns a value or an error for every item, in input order.
    const auto outcomes = co_await cadre::map_outcomes(ex, risky, std::views::iota(0, 8));

    bool right = true;
    for (int i = 0; i < 8; ++i) {
        const auto& outcome = outcomes[static_cast<std::size_t>(i)];
        const std::string text = outcome.has_value() ? std::to_string(outcome.value()) : describe(outcome.error());
        std::cout << "task " << i << ": " << text << '\n';
        if (!text.starts_with(expected(i))) {
            std::cerr << "crash_isolation: task " << i << ": expected " << expected(i) << '\n';
            right = false;
        }
    }

    // The dead workers have been replaced: the executor is usable.
    const int still_working = co_await cadre::on(ex, risky, 9);
    std::cout << "and afterwards: " << still_working << '\n';
    if (still_working != 81) {
        std::cerr << "crash_isolation: afterwards: expected 81\n";
        right = false;
    }
    co_return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
