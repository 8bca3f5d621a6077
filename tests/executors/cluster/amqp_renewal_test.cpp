// RabbitMQ allows no consumer to hold a message for longer than half an hour: tokens are renewed, and long work is
// acknowledged early.
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "cluster/amqp/agent_link.hpp"
#include "cluster/amqp/program_link.hpp"
#include "linked_process.hpp"

namespace cadre::test {
namespace {

using namespace std::chrono_literals;
using detail::amqp::agent_link;
using detail::amqp::link_timing;
using detail::amqp::load_rabbitmq;
using detail::amqp::program_link;
using detail::amqp::resolve_address;

class AmqpRenewal : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = private_broker::missing(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
    }
    template <class Link>
    std::unique_ptr<node_link> make(link_timing timing) {
        return std::make_unique<Link>(load_rabbitmq(), resolve_address(link_options(name, false)), name, timing);
    }
    const std::string name = std::string("test.") + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(AmqpRenewal, renewed_tokens_raise_no_alarm) {
    const link_timing often{20ms, 15min};
    auto home = std::make_unique<linked>(make<program_link>(often), "program");
    linked worker(make<agent_link>(often), "agent");
    ASSERT_TRUE(worker.events().wait([](const auto& s) { return s.program_joined == 1; }));
    // Each message gives both ends a turn, in which tokens are renewed.
    for (std::size_t i = 0; i < 100; ++i) {
        (*home)->publish(target::all_agents, 0, bytes_of("ping"));
        worker->publish(target::program, 0, bytes_of("pong"));
        ASSERT_TRUE(worker.events().wait_for_messages(i + 1));
        ASSERT_TRUE(home->events().wait_for_messages(i + 1));
        std::this_thread::sleep_for(2ms);
    }
    EXPECT_EQ(home->events().now().joined.size(), 1u);
    EXPECT_TRUE(home->events().now().gone.empty());
    EXPECT_EQ(worker.events().now().program_gone, 0);
    EXPECT_EQ(home->events().now().engine_gone + worker.events().now().engine_gone, 0);
    // One token is there, or two while it is renewed: none was lost, and the earlier ones are not kept.
    const std::string held = private_broker::instance().control("list_queues name messages");
    int tokens = 0;
    std::istringstream lines(held);
    for (std::string line; std::getline(lines, line);) {
        if (line.find(name) == std::string::npos || line.find(".token\t") == std::string::npos) continue;
        ++tokens;
        EXPECT_TRUE(line.ends_with("\t1") || line.ends_with("\t2")) << line;
    }
    EXPECT_EQ(tokens, 2) << held;
}

TEST_F(AmqpRenewal, work_that_lasts_is_acknowledged_early) {
    linked home(make<program_link>({}), "program");
    linked worker(make<agent_link>({10min, 50ms}), "agent");
    ASSERT_TRUE(worker.events().wait([](const auto& s) { return s.program_joined == 1; }));
    worker->set_credit(1);
    home->publish(target::work, 0, bytes_of("long"));
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    const auto acknowledged = [&] {
        const std::string queues = private_broker::instance().control("list_queues name messages");
        const std::size_t at = queues.find(".work\t", queues.find(name));
        return at != std::string::npos && queues[at + 6] == '0';
    };
    bool seen = false;
    for (int i = 0; i < 20 && !seen; ++i)
        seen = acknowledged();
    EXPECT_TRUE(seen);

    worker->acknowledge(worker.events().now().messages[0].tag);  // without effect in the broker
    home->publish(target::work, 0, bytes_of("next"));
    ASSERT_TRUE(worker.events().wait_for_messages(2));
    EXPECT_EQ(worker.events().now().engine_gone, 0);
}

}  // namespace
}  // namespace cadre::test
