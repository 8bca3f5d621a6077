// The clock and the order of a program, as command line, environment and file set them.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

cadre::config with_default(const std::string& spec) {
    cadre::config c;
    c.executor = spec;
    return c;
}

cadre::config from_file(const std::string& text) { return cadre::config::parse(text, "app.toml"); }

// The order in which the children of the main task end, and the time that has passed by then.
cadre::task<std::vector<int>> app() {
    std::vector<int> seen;
    const auto before = cadre::now();
    auto child = [&seen](int which) -> cadre::task<> {
        co_await cadre::sleep_for(1h);
        seen.push_back(which);
    };
    cadre::scope s;
    for (int i = 0; i < 8; ++i)
        s.spawn(child(i));
    co_await s.join();
    EXPECT_EQ(cadre::now() - before, 1h);
    co_return seen;
}

std::vector<int> run(const cadre::config& c) {
    cadre::runtime rt(c);
    return rt.run(app());
}

}  // namespace

// The main task is at home on the default executor, so it follows its clock and its seed.
TEST(serial_executor, the_main_task_follows_the_clock_and_the_seed) {
    const std::vector<int> seven = run(with_default("serial:virtual,seed=7"));
    EXPECT_EQ(run(with_default("serial:virtual,seed=7")), seven);
    EXPECT_NE(run(with_default("serial:virtual,seed=8")), seven);
    EXPECT_EQ(run(with_default("serial:seed=7,virtual")), seven);
    EXPECT_EQ(run(with_default("serial:virtual")), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(
        run(from_file("executor = \"test\"\n[executors.test]\nkind = \"serial\"\nclock = \"virtual\"\nseed = 7\n")),
        seven);
}

TEST(serial_executor, what_a_spec_adds_to_an_executor_of_the_file) {
    cadre::config c = from_file("[executors.test]\nkind = \"serial\"\nseed = 8\n");
    c.executor = "test:virtual,seed=7";
    EXPECT_EQ(run(c), run(with_default("serial:virtual,seed=7")));
}

TEST(serial_executor, made_in_code) {
    const cadre::executor one = cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time, .seed = 7}};
    const cadre::executor two = cadre::make_executor("serial:virtual,seed=7");
    EXPECT_EQ(cadre::sync_wait(cadre::on(one, app)), cadre::sync_wait(cadre::on(two, app)));
    EXPECT_EQ(one.kind(), cadre::executor_kind::serial);
}

TEST(serial_executor, has_its_name) {
    EXPECT_EQ(cadre::executor(cadre::serial_executor{{.name = "events"}}).name(), "events");
    EXPECT_EQ(cadre::executor(cadre::serial_executor{}).name(), "serial");
    cadre::runtime rt(
        from_file("[executors.events]\nkind = \"serial\"\n[executors.cpu]\nkind = \"thread\"\nworkers = 1\n"
                  "[executors.apart]\nkind = \"process\"\nworkers = 1\n"));
    for (const char* name : {"events", "cpu", "apart"})
        EXPECT_EQ(rt.executor(name).name(), name);
}

TEST(serial_executor, a_deadlock_leaves_run) {
    const auto waits_for_ever = [](cadre::executor ex) -> cadre::task<int> {
        cadre::channel<int> never{ex, 1};
        co_return (co_await never.receive()).value_or(0);
    };
    for (const char* spec : {"serial:virtual", "serial:seed=3", "serial:virtual,seed=3"}) {
        cadre::runtime rt(with_default(spec));
        EXPECT_THROW((void)rt.run(waits_for_ever(rt.executor())), cadre::deadlock) << spec;
        EXPECT_EQ(rt.run([]() -> cadre::task<int> { co_return 3; }), 3) << spec;
    }
}
