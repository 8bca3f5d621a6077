// A trace of calls to workers and threads: one time line, and an arrow from each call to its execution.

#include "forged_events.hpp"

#include "coroutine/trace_recorder.hpp"
#include "executors/temporary_folder.hpp"
#include "trace_check.hpp"

#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/map.hpp>
#include <cadre/scope.hpp>
#include <cadre/this_task.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::tests::json;

class trace : public testing::Test {
protected:
    const temporary_folder folder;
    const std::string path = (folder.path() / "trace.json").string();

    void SetUp() override { ASSERT_EQ(cadre::detail::trace::start(path), ""); }
    void TearDown() override { cadre::detail::trace::finish(); }
    cadre::tests::trace finish() const {
        cadre::detail::trace::finish();
        return cadre::tests::trace(path);
    }
};

// The arrow to a slice with this name.
cadre::tests::trace::arrow arrow_to(const cadre::tests::trace& t, const std::string& name) {
    for (const auto& a : t.arrows())
        if (const json* const slice = t.slice_around(a.to);
            slice != nullptr && (*slice)["name"].text.find(name) != std::string::npos)
            return a;
    ADD_FAILURE() << "no arrow to " << name;
    return {};
}

TEST_F(trace, an_arrow_from_a_call_to_its_execution_in_a_worker) {
    pid_t worker = 0;
    {
        const executor ex = process_executor{{.workers = 1, .name = "one"}};
        worker = cadre::sync_wait(cadre::on(ex.with({.name = "ask"}), worker_pid));
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
    const auto t = finish();
    EXPECT_GE(t.arrows().size(), 2u);
    const auto ask = arrow_to(t, "ask");
    EXPECT_EQ(ask.from["pid"].number, ::getpid());
    EXPECT_EQ(ask.to["pid"].number, worker);
    const auto plus = arrow_to(t, "plus_one(int)");
    EXPECT_EQ(plus.to["pid"].number, worker);
    EXPECT_GT(plus.from["ts"].number, ask.to["ts"].number);  // one time line
    bool named = false;
    for (const json& e : t.named("M", "process_name"))
        named |= e["pid"].number == worker && e["args"]["name"].text == "worker 0 of one";
    EXPECT_TRUE(named);
}

TEST_F(trace, what_a_killed_worker_ran_ends_with_its_death) {
    pid_t worker = 0;
    {
        const executor ex = process_executor{{.workers = 1}};
        const cadre::channel<int> begun(ex, 1);
        auto victim = cadre::spawn(ex.with({.name = "victim"}), begin_and_spin, begun);
        ASSERT_TRUE(run(receive<int>, begun));
        worker = victim.worker_pid();
        std::this_thread::sleep_for(5ms);  // it spins for so long at least
        ::kill(worker, SIGKILL);
        EXPECT_THROW(run(wait_for<int>, std::move(victim)), cadre::worker_crashed);
    }
    const auto t = finish();
    double longest = 0;
    for (const json& slice : t.named("X", "victim"))
        if (slice["pid"].number == worker) longest = std::max(longest, slice["dur"].number);
    EXPECT_GE(longest, 5000);
    bool died = false;
    for (const json& mark : t.named("i", "was killed by SIGKILL"))
        died |= mark["pid"].number == worker;
    EXPECT_TRUE(died);
    EXPECT_EQ(arrow_to(t, "victim").to["pid"].number, worker);
}

cadre::task<int> outer() {
    const executor ex = co_await cadre::this_task::executor();
    co_return co_await cadre::on(ex.with({.name = "inner"}), plus_one, 1);
}

TEST_F(trace, a_nested_call_has_an_arrow_from_the_worker) {
    {
        const executor ex = process_executor{{.workers = 2}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex.with({.name = "outer"}), outer)), 2);
    }
    const auto t = finish();
    const auto out = arrow_to(t, "outer");
    const auto in = arrow_to(t, "inner");
    EXPECT_EQ(in.from["pid"].number, out.to["pid"].number);
    EXPECT_NE(in.to["pid"].number, ::getpid());
    EXPECT_EQ(t.named("b", "inner").size(), 1u);
    EXPECT_EQ(t.named("e", "inner").size(), 1u);
}

cadre::task<int> wait_and_add(cadre::channel<int> from) { co_return *co_await from.receive() + 1; }

TEST_F(trace, waits_in_a_worker_say_for_what) {
    pid_t worker = 0;
    {
        const executor ex = process_executor{{.workers = 1}};
        const cadre::channel<int> numbers(ex, 1);
        auto waiting = cadre::spawn(ex.with({.name = "waiter"}), wait_and_add, numbers);
        worker = cadre::sync_wait(cadre::on(ex, worker_pid));  // begins when the other has suspended
        cadre::sync_wait([](cadre::channel<int> to) -> cadre::task<void> { co_await to.send(1); }(numbers));
        EXPECT_EQ(run(wait_for<int>, std::move(waiting)), 2);
    }
    const auto t = finish();
    bool found = false;
    for (const json& wait : t.named("b", "waits for a message from a channel"))
        found |= wait["pid"].number == worker && wait["args"]["task"].text == "waiter";
    EXPECT_TRUE(found);
}

// In the worker: records that no worker would write, and a count that jumps.
int forge_records() {
    using namespace cadre::detail::process_plane;
    trace_ring& ring = find_memory()->trace;
    std::uint64_t random = 0x9e3779b97f4a7c15;
    for (trace_record& r : ring.records) {
        random = random * 6364136223846793005 + 1442695040888963407;
        r = {static_cast<std::int64_t>(random), random >> 7, random >> 3, static_cast<std::uint32_t>(random >> 60),
             static_cast<std::uint32_t>(random >> 20)};
    }
    ring.lost.store(random);
    ring.written.store(ring.written.load() + (std::uint64_t{1} << 63) + 5);
    return 1;
}

TEST_F(trace, a_worker_that_forges_its_records_does_no_harm) {
    const auto begin = std::chrono::steady_clock::now().time_since_epoch();
    {
        const executor ex = process_executor{{.workers = 1}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, forge_records)), 1);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
        EXPECT_EQ(ex.stats().restarts, 0u);
    }
    cadre::detail::trace::finish();
    const auto end = std::chrono::steady_clock::now().time_since_epoch();
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const json all = cadre::tests::json_parser::parse(text);
    EXPECT_GT(all["traceEvents"].items.size(), 1000u);  // those of a kind that a worker may record
    const double microseconds = 1e-3;
    for (const json& e : all["traceEvents"].items) {
        if (e["ph"].text == "M") continue;
        EXPECT_GE(e["ts"].number, static_cast<double>(std::chrono::nanoseconds(begin).count()) * microseconds - 1);
        EXPECT_LE(e["ts"].number, static_cast<double>(std::chrono::nanoseconds(end).count()) * microseconds + 10);
    }
}

template <class Executor>
void runs_locally(const Executor& ex, const std::string& path) {
    EXPECT_EQ(cadre::sync_wait(cadre::on(executor(ex).with({.name = "local"}), sleep_then, 2, 7)), 7);
    std::vector<int> items(100, 1);
    const auto sums = cadre::sync_wait(cadre::map(executor(ex), plus_one, items));
    EXPECT_EQ(sums.size(), 100u);
    cadre::detail::trace::finish();
    const cadre::tests::trace t(path);
    static_cast<void>(arrow_to(t, "local"));
    static_cast<void>(arrow_to(t, "map"));
    EXPECT_EQ(t.named("b", "a time to come").size(), 1u);
    EXPECT_GE(t.named("X", "local").size(), 2u);  // before the sleep and after it, and the call
}

TEST_F(trace, a_serial_executor) { runs_locally(cadre::serial_executor{}, path); }
TEST_F(trace, a_thread_executor) { runs_locally(cadre::thread_executor{{.workers = 2}}, path); }

TEST_F(trace, events_of_the_library) {
    {
        const cadre::thread_executor pool{{.workers = 1, .name = "cpu"}};
    }
    const auto t = finish();
    EXPECT_EQ(t.named("i", "executor 'cpu': started, kind thread, 1 worker").size(), 1u);
    EXPECT_EQ(t.named("i", "executor 'cpu': stopped").size(), 1u);
}

TEST_F(trace, a_fork_does_not_write) {
    const pid_t child = ::fork();
    if (child == 0) {
        cadre::detail::trace::finish();
        ::_exit(cadre::detail::tracing() ? 1 : 0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(cadre::detail::tracing());
    finish();
}

TEST_F(trace, afterwards_nothing_is_recorded) {
    finish();
    EXPECT_FALSE(cadre::detail::tracing());
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex.with({.name = "later"}), plus_one, 1)), 2);
    EXPECT_TRUE(cadre::tests::trace(path).named("b", "later").empty());
}

TEST(traces, one_after_the_other) {
    const temporary_folder folder;
    for (const char* name : {"a.json", "b.json"}) {
        const std::string path = (folder.path() / name).string();
        ASSERT_EQ(cadre::detail::trace::start(path), "");
        EXPECT_EQ(cadre::sync_wait(cadre::on(executor(cadre::serial_executor{}).with({.name = name}), plus_one, 1)), 2);
        cadre::detail::trace::finish();
        EXPECT_EQ(cadre::tests::trace(path).named("b", name).size(), 1u);
        EXPECT_EQ(cadre::tests::trace(path).with("b", "call").size(), 2u);  // and that of sync_wait
    }
}

}  // namespace
