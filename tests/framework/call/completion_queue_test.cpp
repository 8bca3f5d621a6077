#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using cadre::detail::completion_queue;

struct item : completion_queue::node {
    int number = 0;
};

std::vector<int> numbers_of(completion_queue::nodes taken) {
    std::vector<int> numbers;
    while (const completion_queue::node* node = taken.pop_front())
        numbers.push_back(static_cast<const item*>(node)->number);
    return numbers;
}

TEST(completion_queue, gives_all_nodes_oldest_first) {
    completion_queue queue;
    EXPECT_TRUE(queue.try_take().empty());
    std::vector<item> items(3);
    for (int i = 0; i < 3; ++i) {
        items[static_cast<std::size_t>(i)].number = i;
        queue.push(items[static_cast<std::size_t>(i)]);
    }
    EXPECT_EQ(numbers_of(queue.try_take()), (std::vector<int>{0, 1, 2}));
    EXPECT_TRUE(queue.try_take().empty());
}

cadre::task<int> count_taken(completion_queue& queue, int total) {
    int count = 0;
    while (count < total) {
        auto next = queue.take();
        const auto numbers = numbers_of(co_await next);
        EXPECT_FALSE(numbers.empty());
        for (const int number : numbers)
            EXPECT_EQ(number, count++);
    }
    co_return count;
}

TEST(completion_queue, wakes_the_coroutine_that_waits) {
    constexpr int total = 2000;
    completion_queue queue;
    std::vector<item> items(total);
    std::thread pusher([&] {
        for (int i = 0; i < total; ++i) {
            items[static_cast<std::size_t>(i)].number = i;
            queue.push(items[static_cast<std::size_t>(i)]);
        }
    });
    EXPECT_EQ(cadre::sync_wait(count_taken(queue, total)), total);
    pusher.join();
}

}  // namespace
