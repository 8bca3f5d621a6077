// An agent's consumers hold as much work as its credit, whatever ends in which order.
#include "cluster/amqp/work_consumers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

namespace cadre::detail::amqp {
namespace {

using namespace std::chrono_literals;

/// A broker that always has work: it fills every consumer up to its prefetch count.
class full_broker {
public:
    void adapt(std::uint32_t credit) {
        while (const auto change = agent.next_change(credit))
            if (change->cancel)
                prefetch_.erase(change->consumer);
            else
                prefetch_[change->consumer] = change->prefetch;
    }
    void fill() {
        for (const auto& [consumer, prefetch] : prefetch_)
            while (held_[consumer] < prefetch) {
                ++held_[consumer];
                consumer_of_[next_tag_] = consumer;
                agent.delivered(consumer, next_tag_++, now);
            }
    }
    void end(std::uint64_t tag) {
        if (agent.ended(tag)) acknowledged(tag);
        running.erase(std::ranges::find(running, tag));
    }
    void acknowledged(std::uint64_t tag) { --held_[consumer_of_.at(tag)]; }
    void take_new() {
        while (first_untaken_ < next_tag_)
            running.push_back(first_untaken_++);
    }
    [[nodiscard]] std::size_t consumers() const { return prefetch_.size(); }

    work_consumers agent;
    std::deque<std::uint64_t> running;
    work_consumers::clock::time_point now{};

private:
    std::map<std::uint64_t, std::uint32_t> prefetch_;
    std::map<std::uint64_t, std::uint32_t> held_;
    std::map<std::uint64_t, std::uint64_t> consumer_of_;
    std::uint64_t next_tag_ = 1;
    std::uint64_t first_untaken_ = 1;
};

TEST(WorkConsumers, what_runs_never_exceeds_the_largest_credit_and_reaches_the_last) {
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::minstd_rand random(seed);
        full_broker broker;
        std::uint32_t credit = 0;
        std::size_t bound = 0;  // what was allowed to be taken before the credit became smaller may still run
        for (int step = 0; step < 200; ++step) {
            if (random() % 4 == 0) credit = static_cast<std::uint32_t>(random() % 40);
            broker.adapt(credit);
            broker.fill();
            broker.take_new();
            bound = std::max<std::size_t>(credit, std::min(bound, broker.running.size()));
            ASSERT_LE(broker.running.size(), bound) << "seed " << seed << ", step " << step;
            const std::size_t ends = broker.running.empty() ? 0 : random() % broker.running.size();
            for (std::size_t i = 0; i < ends; ++i)
                broker.end(broker.running[random() % broker.running.size()]);
            bound = std::max<std::size_t>(credit, broker.running.size());
        }
        // When everything has ended, the whole credit is there.
        while (!broker.running.empty())
            broker.end(broker.running.front());
        broker.adapt(credit);
        broker.fill();
        broker.take_new();
        ASSERT_EQ(broker.running.size(), credit) << "seed " << seed;
    }
}

TEST(WorkConsumers, a_consumer_for_each_message_that_ends_would_be_too_many) {
    full_broker broker;
    broker.adapt(1000);
    broker.fill();
    broker.take_new();
    broker.adapt(999);
    std::size_t maximum = 0;
    while (broker.running.size() > 1) {
        broker.end(broker.running.back());
        broker.adapt(999);
        maximum = std::max(maximum, broker.consumers());
    }
    EXPECT_LE(maximum, 5u);
    EXPECT_GE(maximum, 1u);
}

TEST(WorkConsumers, a_message_held_for_long_is_acknowledged_once_and_still_counts) {
    full_broker broker;
    broker.adapt(2);
    broker.fill();
    broker.take_new();
    EXPECT_EQ(broker.agent.take_older_than(broker.now), std::nullopt);
    const auto later = broker.now + 1h;
    EXPECT_EQ(broker.agent.take_older_than(later), 1u);
    EXPECT_EQ(broker.agent.take_older_than(later), 2u);
    EXPECT_EQ(broker.agent.take_older_than(later), std::nullopt);
    broker.acknowledged(1);
    broker.acknowledged(2);
    broker.adapt(2);
    broker.fill();
    broker.take_new();
    EXPECT_EQ(broker.running.size(), 2u);
    EXPECT_FALSE(broker.agent.ended(1));
    EXPECT_FALSE(broker.agent.ended(2));
    broker.adapt(2);
    broker.fill();
    broker.take_new();
    EXPECT_EQ(broker.running.size(), 4u);
    EXPECT_EQ(broker.agent.forget(), (std::vector<std::uint64_t>{3, 4}));
    EXPECT_FALSE(broker.agent.ended(3));
}

TEST(WorkConsumers, what_arrives_after_the_cancel_counts_until_it_ends) {
    work_consumers agent;
    const auto begun = agent.next_change(1);
    ASSERT_TRUE(begun && !begun->cancel);
    const auto ended = agent.next_change(0);
    ASSERT_TRUE(ended && ended->cancel);
    agent.delivered(begun->consumer, 7, {});
    EXPECT_EQ(agent.next_change(1), std::nullopt);
    EXPECT_TRUE(agent.ended(7));
    EXPECT_FALSE(agent.ended(7));
    const auto again = agent.next_change(1);
    ASSERT_TRUE(again && !again->cancel);
    EXPECT_EQ(again->prefetch, 1);
}

}  // namespace
}  // namespace cadre::detail::amqp
