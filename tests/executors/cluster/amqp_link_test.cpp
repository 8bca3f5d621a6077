// Messages between a program and its agents through a private RabbitMQ.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "linked_process.hpp"

namespace cadre::test {
namespace {

class AmqpLink : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = private_broker::missing(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
    }
    // The groups of two tests never meet.
    const std::string name = std::string("test.") + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(AmqpLink, an_agent_and_the_program_exchange_their_hellos_in_either_order) {
    agent early(name, "early");
    program home(name);
    ASSERT_TRUE(home.wait_for_agents(1));
    ASSERT_TRUE(early.wait_for_program());
    agent late(name, "late");
    ASSERT_TRUE(home.wait_for_agents(2));
    ASSERT_TRUE(late.wait_for_program());

    EXPECT_EQ(home.events().now().hellos, (std::vector<std::string>{"early", "late"}));
    EXPECT_EQ(early.events().now().hellos, std::vector<std::string>{"program " + name});
    const auto joined = home.events().now().joined;
    EXPECT_NE(joined[0], joined[1]);
    EXPECT_NE(joined[0], 0u);
}

TEST_F(AmqpLink, messages_reach_one_agent_all_agents_and_the_program_in_order) {
    program home(name);
    agent first(name);
    ASSERT_TRUE(home.wait_for_agents(1));
    agent second(name);
    ASSERT_TRUE(home.wait_for_agents(2));
    ASSERT_TRUE(first.wait_for_program() && second.wait_for_program());
    const auto ids = home.events().now().joined;

    constexpr std::size_t count = 300;
    for (std::size_t i = 0; i < count; ++i) {
        home->publish(target::agent, ids[0], bytes_of("one " + std::to_string(i)));
        second->publish(target::program, 0, bytes_of("answer " + std::to_string(i)));
    }
    home->publish(target::all_agents, 0, bytes_of("all"));

    ASSERT_TRUE(first.events().wait_for_messages(count + 1));
    ASSERT_TRUE(second.events().wait_for_messages(1));
    ASSERT_TRUE(home.events().wait_for_messages(count));
    const auto to_first = first.events().now().messages;
    const auto to_program = home.events().now().messages;
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(to_first[i].text, "one " + std::to_string(i));
        EXPECT_EQ(to_program[i].text, "answer " + std::to_string(i));
        EXPECT_EQ(to_program[i].from, ids[1]);
    }
    EXPECT_EQ(to_first[count].text, "all");
    EXPECT_EQ(second.events().now().messages[0].text, "all");
}

TEST_F(AmqpLink, an_agent_holds_as_much_work_as_its_credit) {
    program home(name);
    agent narrow(name);
    agent wide(name);
    ASSERT_TRUE(home.wait_for_agents(2));
    ASSERT_TRUE(narrow.wait_for_program() && wide.wait_for_program());
    narrow->set_credit(1);
    wide->set_credit(3);
    for (int i = 0; i < 10; ++i)
        home->publish(target::work, 0, bytes_of(std::to_string(i)));

    ASSERT_TRUE(narrow.events().wait_for_messages(1));
    ASSERT_TRUE(wide.events().wait_for_messages(3));
    // Each acknowledgement lets one more message through, and none of the other agent.
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(narrow.events().now().messages.size(), i + 1);
        narrow->acknowledge(narrow.events().now().messages[i].tag);
        ASSERT_TRUE(narrow.events().wait_for_messages(i + 2));
    }
    EXPECT_EQ(wide.events().now().messages.size(), 3u);
    for (const auto& message : wide.events().now().messages) {
        EXPECT_FALSE(message.redelivered);
        EXPECT_NE(message.tag, 0u);
    }
}

TEST_F(AmqpLink, credit_grows_and_shrinks_without_losing_what_is_held) {
    program home(name);
    agent worker(name);
    ASSERT_TRUE(home.wait_for_agents(1) && worker.wait_for_program());
    for (int i = 0; i < 40; ++i)
        home->publish(target::work, 0, bytes_of(std::to_string(i)));
    worker->set_credit(2);
    ASSERT_TRUE(worker.events().wait_for_messages(2));
    worker->set_credit(8);
    ASSERT_TRUE(worker.events().wait_for_messages(8));
    worker->set_credit(4);
    // Four of the eight end: what is held is the credit again, so that nothing follows.
    for (std::size_t i = 0; i < 4; ++i)
        worker->acknowledge(worker.events().now().messages[i].tag);
    worker->publish(target::program, 0, bytes_of("acknowledged"));
    ASSERT_TRUE(home.events().wait_for_messages(1));
    EXPECT_EQ(worker.events().now().messages.size(), 8u);
    for (std::size_t i = 4; i < 8; ++i)
        worker->acknowledge(worker.events().now().messages[i].tag);
    ASSERT_TRUE(worker.events().wait_for_messages(12));
    worker->set_credit(100);
    ASSERT_TRUE(worker.events().wait_for_messages(40));
    const auto messages = worker.events().now().messages;
    for (std::size_t i = 0; i < 40; ++i) {
        EXPECT_EQ(std::ranges::count(messages, std::to_string(i), &recorded_events::message::text), 1);
        EXPECT_FALSE(messages[i].redelivered);
    }
}

TEST_F(AmqpLink, an_agent_that_leaves_is_gone_after_its_last_message) {
    program home(name);
    {
        agent leaver(name);
        ASSERT_TRUE(home.wait_for_agents(1) && leaver.wait_for_program());
        for (int i = 0; i < 100; ++i)
            leaver->publish(target::program, 0, bytes_of("last words"));
    }
    ASSERT_TRUE(home.events().wait([](const auto& s) { return s.gone.size() == 1; }));
    EXPECT_EQ(home.events().now().messages.size(), 100u);
    EXPECT_EQ(home.events().now().gone, home.events().now().joined);
}

TEST_F(AmqpLink, a_program_that_ends_is_gone_for_its_agents_which_serve_the_next_one) {
    agent worker(name);
    std::optional<program> home(name);
    ASSERT_TRUE(worker.wait_for_program());
    worker->set_credit(1);
    home->operator->()->publish(target::work, 0, bytes_of("of the first"));
    home->operator->()->publish(target::work, 0, bytes_of("of the first, not taken"));
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    const auto tag = worker.events().now().messages[0].tag;
    home.reset();
    ASSERT_TRUE(worker.events().wait([](const auto& s) { return s.program_gone == 1; }));

    worker->acknowledge(tag);  // too late, and without effect
    worker->publish(target::program, 0, bytes_of("to nobody"));
    program next(name);
    ASSERT_TRUE(worker.wait_for_program(2));
    ASSERT_TRUE(next.wait_for_agents(1));
    next->publish(target::work, 0, bytes_of("of the second"));
    ASSERT_TRUE(worker.events().wait_for_messages(2));
    EXPECT_EQ(worker.events().now().messages[1].text, "of the second");
    EXPECT_TRUE(next.events().now().messages.empty());
}

TEST_F(AmqpLink, work_that_no_agent_took_returns_to_the_program) {
    program home(name);
    for (int i = 0; i < 5; ++i)
        home->publish(target::work, 0, bytes_of(std::to_string(i)));
    home->drain_work();
    ASSERT_TRUE(home.events().wait_for_messages(5));
    for (const auto& message : home.events().now().messages)
        EXPECT_FALSE(message.redelivered);

    // The next agent gets what is published from then on.
    agent worker(name);
    ASSERT_TRUE(home.wait_for_agents(1) && worker.wait_for_program());
    worker->set_credit(1);
    home->publish(target::work, 0, bytes_of("later"));
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    EXPECT_EQ(worker.events().now().messages[0].text, "later");
}

TEST_F(AmqpLink, groups_of_different_names_do_not_meet) {
    program home(name);
    program other(name + "2");
    agent worker(name + "2");
    ASSERT_TRUE(other.wait_for_agents(1) && worker.wait_for_program());
    worker->set_credit(1);
    home->publish(target::work, 0, bytes_of("not for it"));
    home->publish(target::all_agents, 0, bytes_of("not for it"));
    other->publish(target::work, 0, bytes_of("for it"));
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    EXPECT_EQ(worker.events().now().messages[0].text, "for it");
    EXPECT_TRUE(home.events().now().joined.empty());
}

TEST_F(AmqpLink, large_messages_pass_in_both_directions) {
    program home(name);
    agent worker(name);
    ASSERT_TRUE(home.wait_for_agents(1) && worker.wait_for_program());
    worker->set_credit(2);
    std::string large(std::size_t{64} << 20, 'x');
    for (std::size_t i = 0; i < large.size(); i += 4096)
        large[i] = static_cast<char>('a' + i / 4096 % 26);
    home->publish(target::work, 0, bytes_of(large));
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    EXPECT_TRUE(worker.events().now().messages[0].text == large);
    // While a large answer is under way, further ones follow in order.
    worker->publish(target::program, 0, bytes_of(large));
    worker->publish(target::program, 0, bytes_of("behind it"));
    ASSERT_TRUE(home.events().wait_for_messages(2));
    EXPECT_TRUE(home.events().now().messages[0].text == large);
    EXPECT_EQ(home.events().now().messages[1].text, "behind it");
}

TEST_F(AmqpLink, nothing_is_left_in_the_broker) {
    {
        program home(name);
        agent worker(name);
        ASSERT_TRUE(home.wait_for_agents(1) && worker.wait_for_program());
        worker->set_credit(2);
        home->publish(target::work, 0, bytes_of("a"));
        ASSERT_TRUE(worker.events().wait_for_messages(1));
    }
    {
        const program brief(name);
    }  // stopped before its threads have begun
    const std::string queues = private_broker::instance().control("list_queues name");
    const std::string exchanges = private_broker::instance().control("list_exchanges name");
    EXPECT_EQ(queues.find(name), std::string::npos) << queues;
    EXPECT_NE(exchanges.find("amq.direct"), std::string::npos) << exchanges;
    EXPECT_EQ(exchanges.find(name), std::string::npos) << exchanges;
}

}  // namespace
}  // namespace cadre::test
