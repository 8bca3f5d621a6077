#include "executors/runtime/death_test.hpp"
#include "executors/temporary_folder.hpp"

#include <cadre/channel.hpp>
#include <cadre/executor_registry.hpp>
#include <cadre/job.hpp>
#include <cadre/make_executor.hpp>
#include <cadre/on.hpp>
#include <cadre/runtime.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

cadre::config with_default(const char* spec) {
    cadre::config c;
    c.executor = spec;
    return c;
}

// Lambdas may not be coroutines that outlive their captures; parameters are safe.
cadre::task<int> give(int value) { co_return value; }
cadre::task<void> nothing() { co_return; }
cadre::task<std::unique_ptr<int>> give_pointer() { co_return std::make_unique<int>(3); }
cadre::task<int> fail() {
    throw std::out_of_range("seven");
    co_return 0;
}
cadre::task<std::thread::id> where() { co_return std::this_thread::get_id(); }

TEST(runtime, gives_the_result_of_the_main_task) {
    for (const char* spec : {"serial", "thread:2", "process:1"}) {
        cadre::runtime rt(with_default(spec));
        EXPECT_EQ(rt.run(give(42)), 42) << spec;
        rt.run(nothing());
        EXPECT_EQ(*rt.run(give_pointer()), 3) << spec;
        EXPECT_THROW(rt.run(fail()), std::out_of_range) << spec;
    }
}

TEST(runtime, the_main_task_is_at_home_on_the_calling_thread) {
    for (const char* spec : {"serial", "thread:1", "thread:2", "process:1"}) {
        cadre::runtime rt(with_default(spec));
        EXPECT_EQ(rt.run(where()), std::this_thread::get_id()) << spec;
    }
}

TEST(runtime, run_parallel_is_at_home_on_a_pool) {
    cadre::runtime threads(with_default("thread:1"));
    EXPECT_NE(threads.run_parallel(where()), std::this_thread::get_id());
    for (const char* spec : {"serial", "process:1"}) {
        cadre::runtime rt(with_default(spec));
        EXPECT_EQ(rt.run_parallel(where()), std::this_thread::get_id()) << spec;
    }
}

// Children of a scope of the main task share a vector with each other and with the task.
cadre::task<std::size_t> gather(cadre::executor ex, int count) {
    std::vector<int> results;
    cadre::scope children;
    const auto one = [](cadre::executor where, std::vector<int>* into, int i) -> cadre::task<void> {
        into->push_back(co_await cadre::on(where, [](int x) { return x; }, i));
    };
    for (int i = 0; i < count; ++i)
        children.spawn(one(ex, &results, i));
    co_await children.join();
    co_return results.size();
}

TEST(runtime, what_children_of_the_main_task_share_needs_no_lock) {
    for (const char* spec : {"serial", "thread:2", "process:2"}) {
        cadre::runtime rt(with_default(spec));
        EXPECT_EQ(rt.run(gather(rt.executor(), 5000)), 5000u) << spec;
    }
}

TEST(runtime, run_takes_a_function_of_the_executor) {
    cadre::runtime rt(with_default("thread:1"));
    const auto kind = [](cadre::executor ex) -> cadre::task<cadre::executor_kind> { co_return ex.kind(); };
    EXPECT_EQ(rt.run(kind), cadre::executor_kind::thread);
    EXPECT_EQ(rt.run_parallel(kind), cadre::executor_kind::thread);
    EXPECT_EQ(rt.run([]() -> cadre::task<int> { co_return 7; }), 7);
}

TEST(runtime, makes_each_executor_once) {
    cadre::config c = with_default("cpu");
    c.executors["cpu"] = {.kind = "thread", .options = {{"workers", 2}}};
    c.executors["loop"] = {.kind = "serial"};
    cadre::runtime rt(c);
    EXPECT_EQ(rt.executor(), rt.executor("cpu"));
    EXPECT_EQ(rt.executor("loop"), rt.executor("loop"));
    EXPECT_NE(rt.executor("loop"), rt.executor());
    EXPECT_EQ(rt.executor().concurrency(), 2u);
    EXPECT_EQ(rt.executor("loop").kind(), cadre::executor_kind::serial);
    EXPECT_EQ(rt.configuration().executor, "cpu");
}

TEST(runtime, an_unknown_name_lists_the_known_ones) {
    cadre::config c;
    c.executors["cpu"] = {.kind = "thread"};
    c.executors["untrusted"] = {.kind = "process"};
    cadre::runtime rt(c);
    try {
        static_cast<void>(rt.executor("untrustd"));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(),
                     "unknown executor 'untrustd'; did you mean 'untrusted'? (named in the configuration: cpu, "
                     "untrusted)");
    }
    cadre::runtime bare;
    EXPECT_THROW(static_cast<void>(bare.executor("thread")), cadre::config_error);
}

TEST(runtime, throws_what_is_wrong_with_a_configuration_built_in_code) {
    EXPECT_THROW(cadre::runtime(with_default("proces")), cadre::config_error);
    EXPECT_THROW(cadre::runtime(with_default("thread:0")), cadre::config_error);
    cadre::config c;
    c.executors["u"] = {.kind = "thread", .options = {{"task_timeout", 2s}}};
    EXPECT_THROW(cadre::runtime{c}, cadre::config_error);
}

TEST(runtime, shuts_down_its_executors) {
    cadre::executor kept;
    {
        cadre::runtime rt(with_default("thread:1"));
        kept = rt.executor();
        EXPECT_FALSE(kept.backend()->registry().closed());
    }
    EXPECT_TRUE(kept.backend()->registry().closed());
}

TEST(runtime, run_inside_a_task_is_refused) {
    cadre::runtime rt(with_default("serial"));
    const auto nested = [](cadre::runtime* r) -> cadre::task<int> { co_return r->run(give(1)); };
    EXPECT_THROW(rt.run(nested(&rt)), std::logic_error);
}

// What ends the program, each in a process of its own that runs this program again.
class runtime_DeathTest : public cadre::tests::death_test {};

// The options that are left over are printed, so that a success can be told too.
[[noreturn]] void start(std::vector<std::string> words) {
    words.insert(words.begin(), "/some/where/app");
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    int argc = static_cast<int>(words.size());
    cadre::runtime rt(argc, argv.data());
    std::string line = cadre::to_string(rt.executor().kind()) + (":" + std::to_string(rt.executor().concurrency()));
    for (char** word = argv.data() + 1; *word != nullptr; ++word)
        line += std::string(" ") + *word;
    line += " (" + std::to_string(argc - 1) + ")";
    std::fprintf(stderr, "%s\n", line.c_str());
    std::_Exit(0);
}

TEST_F(runtime_DeathTest, bad_options_end_the_program_with_one_line_and_status_2) {
    const auto status = ::testing::ExitedWithCode(2);
    EXPECT_EXIT(start({"--executor=proces"}), status,
                "^app: --executor: unknown executor kind 'proces'; did you mean 'process'. [^\n]*\n$");
    EXPECT_EXIT(start({"--workers=0"}), status, "^app: --workers: expected a positive whole number[^\n]*\n$");
    EXPECT_EXIT(start({"--config=no.toml"}), status, "^app: --config: no.toml: cannot be read: [^\n]*\n$");
    EXPECT_EXIT(start({"--workers"}), status, "^app: --workers: expected a value\n$");
}

TEST_F(runtime_DeathTest, a_bad_file_ends_the_program_with_its_place) {
    const temporary_folder folder;
    const std::string file =
        folder.write("app.toml", "[executors.u]\nkind = \"process\"\nworkers = \"three\"\n").string();
    EXPECT_EXIT(start({"--config", file}), ::testing::ExitedWithCode(2),
                "^app: .*app.toml:3:11: executors.u.workers: expected a positive whole number, got \"three\"\n$");
}

TEST_F(runtime_DeathTest, takes_its_options_and_leaves_the_rest) {
    EXPECT_EXIT(start({"in", "--executor=thread:2", "-v", "--", "--workers=9"}), ::testing::ExitedWithCode(0),
                "^thread:2 in -v -- --workers=9 [(]4[)]\n$");
    EXPECT_EXIT(start({"--executor", "serial"}), ::testing::ExitedWithCode(0), "^serial:1 [(]0[)]\n$");
}

// A kind of the program's own that has exactly one worker.
void register_single() {
    cadre::register_executor_kind("single", [](const cadre::executor_config& c) {
        if (c.workers()) c.fail("workers", "has one worker");
        return cadre::make_executor("thread:1");
    });
}

TEST_F(runtime_DeathTest, a_weaker_count_that_a_factory_refuses_is_ignored) {
    const auto with_workers = [](const char* variable, std::vector<std::string> words) {
        register_single();
        ::setenv("CADRE_WORKERS", variable, 1);
        start(std::move(words));
    };
    EXPECT_EXIT(with_workers("3", {"--executor=single"}), ::testing::ExitedWithCode(0), "^thread:1 [(]0[)]\n$");
    EXPECT_EXIT(with_workers("", {"--executor=single:3"}), ::testing::ExitedWithCode(2),
                "^app: --executor: single:3: has one worker\n$");
}

cadre::task<int> until_stopped(std::vector<int> signals) {
    for (const int signal : signals)
        std::raise(signal);
    try {
        co_await cadre::sleep_for(1h);
    } catch (const cadre::cancelled&) {
        co_return 5;
    }
    co_return 6;
}

[[noreturn]] void signalled(const char* spec, std::vector<int> signals) {
    cadre::runtime rt(with_default(spec));
    std::_Exit(rt.run(until_stopped(std::move(signals))));
}

TEST_F(runtime_DeathTest, the_first_signal_stops_the_main_task) {
    EXPECT_EXIT(signalled("serial", {SIGINT}), ::testing::ExitedWithCode(5), "");
    EXPECT_EXIT(signalled("thread:2", {SIGINT}), ::testing::ExitedWithCode(5), "");
    EXPECT_EXIT(signalled("serial", {SIGTERM}), ::testing::ExitedWithCode(5), "");
}

TEST_F(runtime_DeathTest, the_second_signal_ends_the_program) {
    EXPECT_EXIT(signalled("serial", {SIGINT, SIGINT}), ::testing::ExitedWithCode(130), "");
    EXPECT_EXIT(signalled("serial", {SIGINT, SIGTERM}), ::testing::ExitedWithCode(143), "");
}

cadre::task<void> sleep_after(int signal) {
    std::raise(signal);
    co_await cadre::sleep_for(1h);
}

// Writes a line when it is stopped: the executors are shut down before the program ends.
void wait_for_stop(cadre::channel<int> begun) {
    static_cast<void>(begun.try_send(1));
    while (!cadre::stop_requested())
        ::usleep(1000);
    std::fputs("stopped", stderr);
}

cadre::task<void> work_and_sleep(cadre::executor ex, int signal) {
    cadre::channel<int> begun{ex, 1};
    const auto work = cadre::spawn(ex, wait_for_stop, begun);
    static_cast<void>(co_await begun.receive());
    co_await sleep_after(signal);
}

// Signals are handled by a thread: the program goes on meanwhile.
cadre::task<int> dumped(cadre::executor ex, int signal) {
    cadre::channel<int> empty{ex, 1};
    cadre::scope s;
    s.spawn([empty]() -> cadre::task<void> { static_cast<void>(co_await empty.receive()); });
    co_await cadre::yield();
    std::raise(signal);
    co_await cadre::sleep_for(500ms);
    empty.close();
    co_await s.join();
    co_return 5;
}

TEST_F(runtime_DeathTest, sigusr1_prints_the_tasks) {
    const auto run = [](const char* spec) {
        cadre::runtime rt(with_default(spec));
        std::_Exit(rt.run(dumped(rt.executor(), SIGUSR1)));
    };
    for (const char* spec : {"serial", "thread:2"})
        EXPECT_EXIT(run(spec), ::testing::ExitedWithCode(5), "'main'.*waits\n.*waits for a message from a channel");
}

TEST_F(runtime_DeathTest, sigquit_prints_the_tasks_and_ends_the_program) {
    const auto run = [] {
        cadre::runtime rt(with_default("serial"));
        static_cast<void>(rt.run(dumped(rt.executor(), SIGQUIT)));
    };
    EXPECT_EXIT(run(), ::testing::KilledBySignal(SIGQUIT), "waits for a message from a channel");
}

TEST_F(runtime_DeathTest, a_signal_that_the_program_handles_prints_nothing) {
    const auto run = [] {
        std::signal(SIGUSR1, SIG_IGN);
        cadre::runtime rt(with_default("serial"));
        std::_Exit(rt.run(dumped(rt.executor(), SIGUSR1)));
    };
    EXPECT_EXIT(run(), ::testing::ExitedWithCode(5), "^$");
}

TEST_F(runtime_DeathTest, a_main_task_that_a_signal_cancels_ends_the_program_by_that_signal) {
    const auto run = [](const char* spec, int signal) {
        cadre::runtime rt(with_default(spec));
        rt.run(work_and_sleep(rt.executor(), signal));
    };
    EXPECT_EXIT(run("thread:1", SIGINT), ::testing::KilledBySignal(SIGINT), "^stopped$");
    EXPECT_EXIT(run("process:1", SIGTERM), ::testing::KilledBySignal(SIGTERM), "^stopped$");
}

TEST_F(runtime_DeathTest, run_main_ends_by_the_signal) {
    const auto run = [](int signal) {
        std::string program = "app";
        std::vector<char*> words{program.data(), nullptr};
        std::_Exit(cadre::run_main(1, words.data(), [signal] { return sleep_after(signal); }));
    };
    EXPECT_EXIT(run(SIGTERM), ::testing::KilledBySignal(SIGTERM), "^$");
}

TEST_F(runtime_DeathTest, a_cancellation_without_a_signal_is_thrown) {
    const auto run = [] {
        cadre::runtime rt(with_default("serial"));
        try {
            rt.run([]() -> cadre::task<void> { throw cadre::cancelled("by itself"); });
        } catch (const cadre::cancelled&) {
            std::_Exit(7);
        }
    };
    EXPECT_EXIT(run(), ::testing::ExitedWithCode(7), "");
}

TEST_F(runtime_DeathTest, a_signal_that_is_ignored_stays_ignored) {
    const auto run = [] {
        std::signal(SIGTERM, SIG_IGN);
        cadre::runtime rt(with_default("serial"));
        rt.run([]() -> cadre::task<void> {
            std::raise(SIGTERM);
            co_await cadre::sleep_for(1ms);
        });
        std::_Exit(0);
    };
    EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "");
}

[[noreturn]] void interrupt_after_run() {
    cadre::runtime rt(with_default("serial"));
    static_cast<void>(rt.run(give(1)));
    std::raise(SIGINT);
    std::_Exit(0);
}

TEST_F(runtime_DeathTest, after_run_an_interrupt_does_what_it_did_before) {
    EXPECT_EXIT(interrupt_after_run(), ::testing::KilledBySignal(SIGINT), "");
}

[[noreturn]] void interrupt_with_own_handler() {
    static volatile std::sig_atomic_t seen = 0;
    std::signal(SIGINT, [](int) { seen = 1; });
    cadre::runtime rt(with_default("serial"));
    const auto raise_it = []() -> cadre::task<int> {
        std::raise(SIGINT);
        std::raise(SIGINT);
        co_return 0;
    };
    static_cast<void>(rt.run(raise_it()));
    std::_Exit(seen == 1 ? 0 : 1);
}

TEST_F(runtime_DeathTest, a_handler_of_the_programs_own_stays) {
    EXPECT_EXIT(interrupt_with_own_handler(), ::testing::ExitedWithCode(0), "");
}

// The default executor may start threads or processes: only who asks for it gets it.
TEST(runtime, run_does_not_make_an_executor_that_nobody_asked_for) {
    const auto threads = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                             std::filesystem::directory_iterator{});
    };
    cadre::runtime rt(with_default("thread:3"));
    const auto before = threads();
    EXPECT_EQ(rt.run(give(1)), 1);
    EXPECT_EQ(threads(), before);
    EXPECT_EQ(rt.run_parallel(give(1)), 1);
    EXPECT_EQ(threads(), before + 3);
}

}  // namespace
