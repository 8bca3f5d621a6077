#include "base/doorbell.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <utility>

#include <poll.h>

namespace {

using cadre::detail::doorbell;
using namespace std::chrono_literals;

bool readable(const doorbell& bell) {
    pollfd p{bell.descriptor(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

TEST(doorbell, rings_coalesce_until_they_are_cleared) {
    const doorbell bell;
    EXPECT_FALSE(readable(bell));
    bell.ring();
    bell.ring();
    EXPECT_TRUE(readable(bell));
    bell.clear();
    EXPECT_FALSE(readable(bell));
    bell.clear();  // does not block
}

TEST(doorbell, moves_with_its_descriptor) {
    doorbell first;
    const int fd = first.descriptor();
    first.ring();
    const doorbell second = std::move(first);
    EXPECT_EQ(second.descriptor(), fd);
    EXPECT_TRUE(readable(second));
}

TEST(doorbell, a_waiter_wakes_by_a_ring_and_clears_it) {
    const doorbell bell;
    const std::jthread ringer([&] {
        std::this_thread::sleep_for(5ms);
        doorbell::ring(bell.descriptor());
    });
    doorbell::wait(bell.descriptor());
    EXPECT_FALSE(readable(bell));
}

TEST(doorbell, a_waiter_wakes_at_its_deadline) {
    const doorbell bell;
    const auto deadline = std::chrono::steady_clock::now() + 10ms;
    doorbell::wait(bell.descriptor(), deadline);
    EXPECT_GE(std::chrono::steady_clock::now(), deadline);
}

}  // namespace
