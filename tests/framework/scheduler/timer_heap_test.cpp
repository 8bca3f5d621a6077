// timer_heap: fires in order, each node once; a node whose cancel succeeds never fires.
#include <cadre/detail/scheduler/timer_heap.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using cadre::detail::steady_time;
using cadre::detail::timer_heap;
using cadre::detail::timer_node;

struct counted : timer_node {
    explicit counted(int at, std::vector<int>* order = nullptr) : fired_in(order), number(at) {
        when = steady_time(std::chrono::milliseconds(at));
        fire = [](timer_node* node) noexcept {
            auto& self = *static_cast<counted*>(node);
            self.times.fetch_add(1);
            if (self.fired_in != nullptr) self.fired_in->push_back(self.number);
        };
    }
    std::vector<int>* fired_in;
    int number;
    std::atomic<int> times{0};
};

TEST(timer_heap, fires_due_timers_in_order) {
    timer_heap heap;
    EXPECT_TRUE(heap.empty());
    EXPECT_FALSE(heap.next());
    std::vector<int> order;
    std::vector<std::unique_ptr<counted>> nodes;
    std::vector<int> numbers(500);
    for (int i = 0; i < 500; ++i)
        numbers[static_cast<std::size_t>(i)] = i;
    std::shuffle(numbers.begin(), numbers.end(), std::mt19937(1));
    for (const int n : numbers) {
        nodes.push_back(std::make_unique<counted>(n, &order));
        heap.add(*nodes.back());
    }
    EXPECT_EQ(heap.next(), steady_time(0ms));
    EXPECT_TRUE(heap.fire_due(steady_time(249ms)));
    EXPECT_EQ(order.size(), 250u);
    EXPECT_FALSE(heap.fire_due(steady_time(249ms)));
    EXPECT_EQ(heap.next(), steady_time(250ms));
    EXPECT_TRUE(heap.fire_due(steady_time::max()));
    EXPECT_EQ(order.size(), 500u);
    EXPECT_TRUE(std::ranges::is_sorted(order));
    EXPECT_TRUE(heap.empty());
}

TEST(timer_heap, a_cancelled_node_never_fires) {
    timer_heap heap;
    std::mt19937 random(2);
    std::vector<std::unique_ptr<counted>> nodes;
    for (int i = 0; i < 300; ++i) {
        nodes.push_back(std::make_unique<counted>(static_cast<int>(random() % 100)));
        heap.add(*nodes.back());
    }
    for (std::size_t i = 0; i < nodes.size(); i += 2)
        EXPECT_TRUE(heap.cancel(*nodes[i]));
    EXPECT_FALSE(heap.cancel(*nodes[0]));
    heap.fire_due(steady_time::max());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        EXPECT_EQ(nodes[i]->times.load(), i % 2 == 0 ? 0 : 1);
        EXPECT_FALSE(heap.cancel(*nodes[i]));
    }
}

TEST(timer_heap, a_firing_node_may_add_others) {
    timer_heap heap;
    struct chained : timer_node {
        timer_heap* to = nullptr;
        timer_node* other = nullptr;
    } first;
    counted second(0);
    first.to = &heap;
    first.other = &second;
    first.fire = [](timer_node* node) noexcept {
        auto& self = *static_cast<chained*>(node);
        self.to->add(*self.other);
    };
    heap.add(first);
    heap.fire_due(steady_time::max());
    EXPECT_EQ(second.times.load(), 1);
}

TEST(timer_heap, either_cancel_or_fire_wins) {
    timer_heap heap;
    constexpr int count = 20'000;
    std::vector<std::unique_ptr<counted>> nodes;
    for (int i = 0; i < count; ++i)
        nodes.push_back(std::make_unique<counted>(i % 50));
    for (auto& n : nodes)
        heap.add(*n);
    int cancelled = 0;
    std::thread canceller([&] {
        for (int i = count - 1; i >= 0; --i)
            cancelled += heap.cancel(*nodes[static_cast<std::size_t>(i)]);
    });
    for (int t = 0; t <= 50; ++t)
        heap.fire_due(steady_time(std::chrono::milliseconds(t)));
    canceller.join();
    int fired = 0;
    for (auto& n : nodes)
        fired += n->times.load();
    EXPECT_EQ(fired + cancelled, count);
}

TEST(default_timers, fire_on_a_thread_of_their_own) {
    struct flag : timer_node {
        std::atomic<bool> set{false};
    } node;
    node.when = std::chrono::steady_clock::now() + 2ms;
    node.fire = [](timer_node* n) noexcept {
        auto& self = *static_cast<flag*>(n);
        self.set.store(true);
        self.set.notify_one();
    };
    cadre::detail::default_timers().add(node);
    node.set.wait(false);
    EXPECT_FALSE(cadre::detail::default_timers().cancel(node));
}

}  // namespace
