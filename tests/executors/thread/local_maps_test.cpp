// Maps through a concrete local executor: any callable and any movable item.
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>

#include <list>
#include <mutex>
#include <ranges>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/reduce.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using cadre::sync_wait;
using cadre::task;

template <class Executor>
class local_maps : public ::testing::Test {
protected:
    Executor ex_{};
    const std::vector<int> numbers_{1, 2, 3, 4};
    const std::vector<int> tripled_{3, 6, 9, 12};
    int factor_ = 3;  // what portable calls could not refer to
};
using executors = ::testing::Types<cadre::serial_executor, cadre::thread_executor>;
TYPED_TEST_SUITE(local_maps, executors);

TYPED_TEST(local_maps, take_lambdas_with_captures) {
    const auto multiply = [&](int x) { return x * this->factor_; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, multiply, this->numbers_)), this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, multiply, std::list<int>(this->numbers_.begin(), this->numbers_.end()))),
              this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, multiply, {1, 2, 3, 4})), this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map_outcomes(this->ex_, multiply, this->numbers_)).at(3).value(), 12);
}

TYPED_TEST(local_maps, take_coroutines_with_captures) {
    const auto multiply = [&](int x) -> task<int> { co_return x * this->factor_; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, multiply, this->numbers_)), this->tripled_);
}

TYPED_TEST(local_maps, take_and_return_pointers) {
    std::vector<const int*> pointers;
    for (const int& x : this->numbers_)
        pointers.push_back(&x);
    const auto same = [](const int* p) { return p; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, same, pointers)), pointers);
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, same, std::list<const int*>(pointers.begin(), pointers.end()))), pointers);
}

TYPED_TEST(local_maps, go_through_ranges_side_by_side) {
    const auto f = [&](int a, int b) { return a * b * this->factor_; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, f, this->numbers_, std::views::iota(1))), (std::vector<int>{3, 12, 27, 48}));
}

TYPED_TEST(local_maps, stream_their_results) {
    auto body = [&]() -> task<std::vector<int>> {
        auto results = cadre::map_stream(this->ex_, [&](int x) { return x * this->factor_; }, this->numbers_);
        std::vector<int> all;
        while (auto r = co_await results.next())
            all.push_back(*r);
        co_return all;
    };
    EXPECT_EQ(sync_wait(body()), this->tripled_);
}

TYPED_TEST(local_maps, reduce_with_captures) {
    std::mutex mutex;
    int calls = 0;
    const auto multiply = [&](int x) { return x * this->factor_; };
    const auto counting_sum = [&](int a, int b) {
        const std::lock_guard hold(mutex);
        ++calls;
        return a + b;
    };
    EXPECT_EQ(sync_wait(cadre::reduce(this->ex_, multiply, counting_sum, this->numbers_, 0)), 30);
    EXPECT_EQ(calls, 4);
}

}  // namespace
