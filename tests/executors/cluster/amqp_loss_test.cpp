// Agents, programs and the broker that end without notice.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "linked_process.hpp"

namespace cadre::test {
namespace {

using namespace std::chrono_literals;

class AmqpLoss : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = private_broker::missing(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
        private_broker::instance();
    }
    const std::string name = std::string("test.") + testing::UnitTest::GetInstance()->current_test_info()->name();
};

/// A process that runs a function until it is killed. Made before the threads of a test.
class child_process {
public:
    explicit child_process(const std::function<void()>& run) : pid_(::fork()) {
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        run();
        for (;;)
            ::pause();
    }
    ~child_process() { kill(); }

    void kill() { send(SIGKILL); }
    void send(int signal) {
        if (pid_ <= 0) return;
        ::kill(pid_, signal);
        if (signal != SIGKILL) return;
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_;
};

// An agent that answers each message with "got " before it, and acknowledges it if it is "done".
void serve_until_killed(const std::string& name) {
    auto* const served = new linked(link_options(name, true), "in a process");
    served->events().on_message = [served](const recorded_events::message& message) {
        if (message.tag == 0) return;
        (*served)->publish(target::program, 0, bytes_of((message.redelivered ? "again " : "got ") + message.text));
        if (message.text == "done") (*served)->acknowledge(message.tag);
    };
    (*served)->set_credit(4);
}

TEST_F(AmqpLoss, what_a_killed_agent_held_comes_back_flagged_to_another) {
    child_process victim([&] { serve_until_killed(name); });
    program home(name);
    ASSERT_TRUE(home.wait_for_agents(1));
    for (const char* const text : {"done", "a", "b"})
        home->publish(target::work, 0, bytes_of(text));
    ASSERT_TRUE(home.events().wait_for_messages(3));
    agent heir(name);
    ASSERT_TRUE(home.wait_for_agents(2) && heir.wait_for_program());
    heir->set_credit(4);

    const auto killed = std::chrono::steady_clock::now();
    victim.kill();
    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.gone.size() == 1; }));
    ASSERT_TRUE(heir.events().wait_for_messages(2));
    EXPECT_LT(std::chrono::steady_clock::now() - killed, 1500ms);  // by heartbeats: 2 s at the earliest
    EXPECT_EQ(home.events().now().gone[0], home.events().now().joined[0]);
    const auto messages = heir.events().now().messages;
    EXPECT_EQ(messages.size(), 2u);  // "done" was acknowledged
    for (const auto& message : messages)
        EXPECT_TRUE(message.redelivered) << message.text;
}

TEST_F(AmqpLoss, with_no_agent_left_the_program_gets_it_flagged) {
    child_process victim([&] { serve_until_killed(name); });
    program home(name);
    ASSERT_TRUE(home.wait_for_agents(1));
    for (int i = 0; i < 6; ++i)
        home->publish(target::work, 0, bytes_of(std::to_string(i)));
    ASSERT_TRUE(home.events().wait_for_messages(4));  // its credit
    victim.kill();
    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.gone.size() == 1; }));
    home->drain_work();
    ASSERT_TRUE(home.events().wait_for_messages(10));
    int flagged = 0;
    int fresh = 0;
    for (const auto& message : home.events().now().messages)
        if (message.from == 0) ++(message.redelivered ? flagged : fresh);
    EXPECT_EQ(flagged, 4);
    EXPECT_EQ(fresh, 2);
}

TEST_F(AmqpLoss, an_agent_is_gone_after_everything_that_it_had_sent) {
    for (int round = 0; round < 5; ++round) {
        child_process victim([&] {
            auto* const sender = new linked(link_options(name, true), "in a process");
            static_cast<void>(sender->events().wait([](const auto& s) { return s.program_joined == 1; }));
            for (int i = 0; i < 20'000; ++i)
                (*sender)->publish(target::program, 0, bytes_of("message"));
        });
        program home(name);
        ASSERT_TRUE(home.events().wait_for_messages(1000));
        victim.kill();
        ASSERT_TRUE(home.events().wait([](const auto& s) { return s.gone.size() == 1; }));
        const std::size_t count = home.events().now().messages.size();
        home->publish(target::work, 0, bytes_of("a round trip through the broker"));
        home->drain_work();
        ASSERT_TRUE(home.events().wait_for_messages(count + 1));
        EXPECT_EQ(home.events().now().messages.back().from, 0u);
        EXPECT_EQ(home.events().now().messages.size(), count + 1);
    }
}

TEST_F(AmqpLoss, a_stopped_agent_is_gone_after_two_heartbeats) {
    child_process victim([&] { serve_until_killed(name); });
    program home(name);
    ASSERT_TRUE(home.wait_for_agents(1));
    const auto stopped = std::chrono::steady_clock::now();
    victim.send(SIGSTOP);
    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.gone.size() == 1; }));
    EXPECT_LT(std::chrono::steady_clock::now() - stopped, 4s);
    // It wakes up, notices, and joins anew.
    victim.send(SIGCONT);
    ASSERT_TRUE(home.wait_for_agents(2));
}

TEST_F(AmqpLoss, every_agent_knows_soon_that_the_program_was_killed) {
    child_process victim([&] { static_cast<void>(new program(name)); });
    agent first(name);
    agent second(name);
    ASSERT_TRUE(first.wait_for_program() && second.wait_for_program());
    const auto killed = std::chrono::steady_clock::now();
    victim.kill();
    for (agent* const waiting : {&first, &second})
        ASSERT_TRUE(waiting->events().wait([](const auto& s) { return s.program_gone == 1; }));
    EXPECT_LT(std::chrono::steady_clock::now() - killed, 1500ms);  // by heartbeats: 2 s at the earliest

    program next(name);
    ASSERT_TRUE(next.wait_for_agents(2));
    ASSERT_TRUE(first.wait_for_program(2) && second.wait_for_program(2));
}

TEST_F(AmqpLoss, after_a_restart_of_the_broker_the_agents_join_anew) {
    program home(name);
    agent worker(name);
    ASSERT_TRUE(home.wait_for_agents(1) && worker.wait_for_program());
    worker->set_credit(1);
    home->publish(target::work, 0, bytes_of("before"));
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    const auto old_tag = worker.events().now().messages[0].tag;

    private_broker::instance().kill();
    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.engine_gone == 1; }));
    ASSERT_TRUE(worker.events().wait([](const auto& s) { return s.engine_gone == 1; }));
    EXPECT_FALSE(home.events().now().why.empty());
    home->publish(target::work, 0, bytes_of("meanwhile"));  // dropped
    private_broker::instance().restart();

    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.engine_back == 1; }));
    ASSERT_TRUE(home.wait_for_agents(2) && worker.wait_for_program(2));
    worker->acknowledge(old_tag);  // of a connection that is no more
    home->publish(target::work, 0, bytes_of("after"));
    ASSERT_TRUE(worker.events().wait_for_messages(2));
    EXPECT_EQ(worker.events().now().messages[1].text, "after");
    EXPECT_FALSE(worker.events().now().messages[1].redelivered);
    EXPECT_EQ(home.events().now().engine_gone, 1);
}

TEST_F(AmqpLoss, a_link_can_be_stopped_while_there_is_no_broker) {
    std::optional<program> home(name);
    std::optional<agent> worker(name);
    private_broker::instance().kill();
    ASSERT_TRUE(home->events().wait([](const auto& s) { return s.engine_gone == 1; }));
    const auto begun = std::chrono::steady_clock::now();
    home.reset();
    worker.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
    private_broker::instance().restart();
}

TEST_F(AmqpLoss, a_link_can_be_stopped_while_the_broker_does_not_answer) {
    std::optional<program> home(name);
    std::optional<agent> worker(name);
    ASSERT_TRUE(home->wait_for_agents(1));
    ::kill(private_broker::instance().pid(), SIGSTOP);
    const auto begun = std::chrono::steady_clock::now();
    home->operator->()->stop(begun + 300ms);
    worker->operator->()->stop(begun + 300ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
    ::kill(private_broker::instance().pid(), SIGCONT);
}

TEST_F(AmqpLoss, a_broker_that_is_short_of_memory_delays_and_loses_nothing) {
    program home(name);
    agent worker(name);
    ASSERT_TRUE(home.wait_for_agents(1) && worker.wait_for_program());
    worker->set_credit(1000);
    static_cast<void>(private_broker::instance().control("set_vm_memory_high_watermark 0"));
    constexpr std::size_t count = 100;
    for (std::size_t i = 0; i < count; ++i) {
        home->publish(target::work, 0, bytes_of(std::string(1 << 20, 'x')));
        worker->publish(target::program, 0, bytes_of("waits"));
    }
    worker->set_credit(2000);  // a request, which waits as well
    // Longer than it takes to consider a silent broker gone.
    std::this_thread::sleep_for(4s);
    EXPECT_LT(worker.events().now().messages.size(), count);
    static_cast<void>(private_broker::instance().control("set_vm_memory_high_watermark 0.4"));
    ASSERT_TRUE(worker.events().wait_for_messages(count));
    ASSERT_TRUE(home.events().wait_for_messages(count));
    EXPECT_EQ(home.events().now().engine_gone + worker.events().now().engine_gone, 0);
    EXPECT_TRUE(home.events().now().gone.empty());
}

TEST_F(AmqpLoss, a_link_can_be_stopped_while_the_broker_reads_nothing) {
    std::optional<program> home(name);
    ASSERT_TRUE(private_broker::missing().empty());
    static_cast<void>(private_broker::instance().control("set_vm_memory_high_watermark 0"));
    for (int i = 0; i < 100; ++i)
        home->operator->()->publish(target::work, 0, bytes_of(std::string(1 << 20, 'x')));
    const auto begun = std::chrono::steady_clock::now();
    home->operator->()->stop(begun + 500ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
    static_cast<void>(private_broker::instance().control("set_vm_memory_high_watermark 0.4"));
}

TEST_F(AmqpLoss, a_broker_that_does_not_answer_is_gone_after_some_heartbeats) {
    program home(name);
    ::kill(private_broker::instance().pid(), SIGSTOP);
    const auto begun = std::chrono::steady_clock::now();
    const bool noticed = home.events().wait([](const auto& s) { return s.engine_gone == 1; });
    const auto took = std::chrono::steady_clock::now() - begun;
    ::kill(private_broker::instance().pid(), SIGCONT);
    EXPECT_TRUE(noticed);
    EXPECT_LT(took, 4s);
    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.engine_back == 1; }));
}

}  // namespace
}  // namespace cadre::test
