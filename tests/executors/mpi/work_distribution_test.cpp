#include "mpi/work_distribution.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

using cadre::detail::byte_buffer;
using cadre::detail::mpi::work_distribution;

byte_buffer body(char name) {
    byte_buffer result;
    *result.extend(1) = static_cast<std::byte>(name);
    return result;
}

// Who gets what, as "1a2b": agent and body.
std::string all_assigned(work_distribution& work) {
    std::string result;
    for (auto next = work.next(); next.agent >= 0; next = work.next()) {
        result += std::to_string(next.agent);
        result += static_cast<char>(*next.body.data());
    }
    return result;
}

TEST(WorkDistribution, waits_for_credit) {
    work_distribution work(2);
    work.add(body('a'));
    EXPECT_EQ(all_assigned(work), "");
    work.report(1, {.credit = 1, .acknowledged = 0});
    EXPECT_EQ(all_assigned(work), "1a");
}

TEST(WorkDistribution, the_agent_with_most_credit_left_is_next) {
    work_distribution work(3);
    work.report(1, {.credit = 2, .acknowledged = 0});
    work.report(2, {.credit = 3, .acknowledged = 0});
    for (const char name : std::string_view("abcdef"))
        work.add(body(name));
    EXPECT_EQ(all_assigned(work), "2a1b2c1d2e");
    work.report(1, {.credit = 2, .acknowledged = 1});
    EXPECT_EQ(all_assigned(work), "1f");
}

TEST(WorkDistribution, credit_may_shrink_below_what_is_held) {
    work_distribution work(2);
    work.report(1, {.credit = 3, .acknowledged = 0});
    for (const char name : std::string_view("abcd"))
        work.add(body(name));
    EXPECT_EQ(all_assigned(work), "1a1b1c");
    work.report(1, {.credit = 1, .acknowledged = 2});
    EXPECT_EQ(all_assigned(work), "");
    work.report(1, {.credit = 1, .acknowledged = 3});
    EXPECT_EQ(all_assigned(work), "1d");
}

TEST(WorkDistribution, more_acknowledged_than_sent_counts_as_all) {
    work_distribution work(2);
    work.report(1, {.credit = 1, .acknowledged = 1000});
    work.add(body('a'));
    work.add(body('b'));
    EXPECT_EQ(all_assigned(work), "1a1b");
}

TEST(WorkDistribution, an_agent_that_is_gone_gets_nothing_and_what_it_had_not_seen_goes_first) {
    work_distribution work(3);
    work.report(1, {.credit = 1, .acknowledged = 0});
    work.add(body('a'));
    work.add(body('b'));
    work_distribution::assignment given = work.next();
    EXPECT_EQ(given.agent, 1);
    work.remove(1);
    std::vector<byte_buffer> unseen;
    unseen.push_back(std::move(given.body));
    work.add_first(std::move(unseen));
    work.report(1, {.credit = 9, .acknowledged = 0});
    EXPECT_EQ(all_assigned(work), "");
    work.report(2, {.credit = 2, .acknowledged = 0});
    EXPECT_EQ(all_assigned(work), "2a2b");
}

TEST(WorkDistribution, drain_takes_what_waits) {
    work_distribution work(2);
    work.add(body('a'));
    EXPECT_EQ(work.drain().size(), 1U);
    work.report(1, {.credit = 1, .acknowledged = 0});
    EXPECT_EQ(all_assigned(work), "");
}

}  // namespace
