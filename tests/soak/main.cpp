// Minutes of chaos: workers are killed from their birth on, stopped, the fork server is killed and stopped, and system
// calls fail. Each call ends once, rightly or with a typed error; nothing hangs; nothing is left.
//
// cadre_soak [--seconds=30] [--processes=3] [--seed=1] [--one-in=50] [--period=20]; LD_PRELOAD names failing_calls.

#include "failing_calls.hpp"
#include "full.hpp"
#include "ledger.hpp"
#include "load.hpp"
#include "processes.hpp"
#include "remains.hpp"
#include "trouble.hpp"
#include "watchdog.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/runtime.hpp>
#include <cadre/sync_wait.hpp>

#include <charconv>
#include <chrono>
#include <iostream>
#include <optional>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using namespace cadre::soak;
using clock_type = std::chrono::steady_clock;

struct options {
    unsigned seconds = part_or_all(30U, 300U);
    unsigned processes = 3;
    unsigned seed = 1;
    unsigned one_in = 50;
    unsigned period = 20;
};

options read(int argc, char** argv) {
    options o;
    const std::pair<std::string_view, unsigned*> known[] = {{"--seconds=", &o.seconds},
                                                            {"--processes=", &o.processes},
                                                            {"--seed=", &o.seed},
                                                            {"--one-in=", &o.one_in},
                                                            {"--period=", &o.period}};
    for (int i = 1; i < argc; ++i)
        for (const auto& [name, value] : known)
            if (const std::string_view given = argv[i]; given.starts_with(name))
                std::from_chars(given.data() + name.size(), given.data() + given.size(), *value);
    return o;
}

cadre::process_options executor_options(const options& o, unsigned round) {
    return {.workers = static_cast<int>(o.processes),
            .start = round % 5 == 4 ? cadre::start_method::spawn : cadre::start_method::forkserver,
            .task_timeout = 500ms,
            .kill_grace = 100ms,
            .max_tasks_per_worker = round % 3 == 2 ? 50u : 0u};
}

// Making an executor may be refused while system calls fail, with an error that says so.
std::optional<cadre::executor> make(const options& o, unsigned round, ledger& book) {
    try {
        return cadre::process_executor{executor_options(o, round)};
    } catch (const cadre::config_error&) {
    } catch (const std::bad_alloc&) {
    } catch (const std::exception& e) {
        book.fault(std::string("an executor could not be made: ") + e.what());
    }
    return std::nullopt;
}

// An executor after the other, each for some rounds.
void run_load(const options& o, ledger& book, watchdog& watch, clock_type::time_point end) {
    int calls = 0;
    for (unsigned round = 0; clock_type::now() < end; ++round) {
        // Now and then much goes wrong, mostly little: calls have to run, too.
        let_calls_fail(o.one_in * (round % 3 == 0 ? 1 : round % 3 == 1 ? 10 : 40));
        watch.enter("making an executor");
        const auto ex = make(o, round, book);
        if (!ex) continue;
        watch.enter("calls");
        const auto change = clock_type::now() + 3s;
        while (clock_type::now() < std::min(change, end))
            cadre::sync_wait(run_round(*ex, book, calls++));
        watch.enter("the end of an executor");
        if (round % 2 == 0) cadre::sync_wait(ex->shutdown(1s));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (const auto status = run_marked(argv)) return *status;
    const options o = read(argc, argv);
    ledger book;
    std::optional<watchdog> watch;
    {
        cadre::runtime rt(argc, argv);
        watch.emplace(book);
        std::cout << "seed " << o.seed << ", " << o.processes << " workers, " << o.seconds
                  << " s, up to one system call of " << o.one_in << " fails" << std::endl;
        // What is made once and stays for the program's life is made before the first count.
        run_load({.processes = o.processes, .one_in = 0}, book, *watch, clock_type::now() + 200ms);
        let_calls_fail(0);
        const remains before = count_remains();
        {
            trouble chaos({.seed = o.seed, .period = std::chrono::milliseconds(o.period)});
            run_load(o, book, *watch, clock_type::now() + std::chrono::seconds(o.seconds));
            let_calls_fail(0);
            chaos.stop();
            chaos.print();
        }
        watch->enter("the calls after the chaos");
        run_load({.processes = o.processes, .one_in = 0}, book, *watch, clock_type::now() + 200ms);
        watch->enter("the search for remains");
        check_remains(before, book);
        watch->enter("the end of the runtime");
    }
    watch.reset();
    std::cout << "  " << failed_calls() << " system calls failed\n";
    book.print();
    return book.clean() ? 0 : 1;
}
