// Maps through a concrete local executor: any callable and any movable item.
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/reduce.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/to.hpp>

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
    const auto multiply = [&](int x) -> task<int> { co_return x* this->factor_; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, multiply, this->numbers_)), this->tripled_);
}

// Aggregates whose members structured bindings cannot tell apart: they are not portable, and need not be.
struct with_c_array {
    int values[3];
};
struct identified {
    int id;
};
struct with_base : identified {
    int value;
};
struct with_union {
    union {
        int number;
        float real;
    };
    int id;
};
struct with_reference {
    const int& value;
};

TYPED_TEST(local_maps, return_aggregates_that_are_not_portable) {
    const auto ids = [](const auto& made) {
        std::vector<int> found;
        for (const auto& each : made)
            found.push_back(each.id);
        return found;
    };
    const auto& in = this->numbers_;
    const auto arrays = sync_wait(cadre::map(this->ex_, [](int x) { return with_c_array{{0, 0, x}}; }, in));
    EXPECT_EQ(arrays.at(3).values[2], 4);
    const auto bases = sync_wait(cadre::map(this->ex_, [](int x) { return with_base{{x}, 0}; }, in));
    EXPECT_EQ(ids(bases), in);
    const auto unions = sync_wait(cadre::map(this->ex_, [](int x) { return with_union{{0}, x}; }, in));
    EXPECT_EQ(ids(unions), in);
    const auto same = [](with_c_array a) { return a; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, same, arrays)).at(2).values[2], 3);
    const auto refer = [&](int) { return with_reference{this->factor_}; };
    EXPECT_EQ(&sync_wait(cadre::map_outcomes(this->ex_, refer, in)).at(0).value().value, &this->factor_);
}

TYPED_TEST(local_maps, take_and_return_pointers) {
    std::vector<const int*> pointers;
    for (const int& x : this->numbers_)
        pointers.push_back(&x);
    const auto same = [](const int* p) { return p; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, same, pointers)), pointers);
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, same, std::list<const int*>(pointers.begin(), pointers.end()))),
              pointers);
}

// Counts how often what it captures is copied.
class counts_copies {
public:
    explicit counts_copies(int& copies) : copies_(&copies) {}
    counts_copies(const counts_copies& other) : copies_(other.copies_) { ++*copies_; }
    counts_copies(counts_copies&&) = default;
    counts_copies& operator=(const counts_copies&) = delete;
    ~counts_copies() = default;

private:
    int* copies_;
};

TYPED_TEST(local_maps, copy_no_captures_for_their_items) {
    int copies = 0;
    const std::list<int> list(this->numbers_.begin(), this->numbers_.end());
    auto make = [&] { return [c = counts_copies(copies), this](int x) { return x * this->factor_; }; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, make(), this->numbers_)), this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, make(), list)), this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map_outcomes(this->ex_, make(), list)).at(0).value(), 3);
    EXPECT_EQ(sync_wait(cadre::reduce(this->ex_, make(), std::plus<>{}, list, 0)), 30);
    EXPECT_EQ(copies, 0);
}

TYPED_TEST(local_maps, take_callables_that_can_only_be_moved) {
    auto make = [this] { return [f = std::make_unique<int>(this->factor_)](int x) { return x * *f; }; };
    auto make_later = [this] {
        return [f = std::make_unique<int>(this->factor_)](int x) -> task<int> { co_return x** f; };
    };
    const std::list<int> list(this->numbers_.begin(), this->numbers_.end());
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, make(), this->numbers_)), this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, make_later(), this->numbers_)), this->tripled_);
    EXPECT_EQ(sync_wait(cadre::map_outcomes(this->ex_, make(), list)).at(3).value(), 12);
    EXPECT_EQ(sync_wait(cadre::reduce(this->ex_, make(), std::plus<>{}, this->numbers_, 0)), 30);
    EXPECT_EQ(sync_wait(cadre::reduce(this->ex_, make_later(), std::plus<>{}, list, 0)), 30);
    EXPECT_EQ(sync_wait(cadre::to<std::vector>(cadre::map_stream(this->ex_, make(), list))), this->tripled_);
}

// Each item has a copy of its own, so nothing is shared by the workers.
TYPED_TEST(local_maps, copy_a_function_that_changes_itself) {
    const auto f = [n = 0](int x) mutable { return x + ++n; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, f, this->numbers_)), (std::vector<int>{2, 3, 4, 5}));
}

// Opaque, polymorphic, and not default-constructible: nothing that travels.
class shape {
public:
    explicit shape(int size) : size_(size) {}
    shape(shape&&) = default;
    shape& operator=(shape&&) = default;
    virtual ~shape() = default;
    [[nodiscard]] int size() const { return size_; }

private:
    int size_;
};

TYPED_TEST(local_maps, take_and_return_items_that_can_only_be_moved) {
    std::vector<shape> shapes;
    for (const int x : this->numbers_)
        shapes.emplace_back(x);
    auto grown = sync_wait(cadre::map(
        this->ex_, [](shape s, int by) { return shape(s.size() * by); }, std::move(shapes), std::vector<int>(4, 3)));
    const auto size = [](const shape& s) { return s.size(); };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, size, std::move(grown))), this->tripled_);
}

TYPED_TEST(local_maps, go_through_ranges_side_by_side) {
    const auto f = [&](int a, int b) { return a * b * this->factor_; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, f, this->numbers_, std::views::iota(1))),
              (std::vector<int>{3, 12, 27, 48}));
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

// Counts its copies.
struct counted {
    static inline std::atomic<int> copies{0};
    int value = 0;

    explicit counted(int v) noexcept : value(v) {}
    counted(const counted& other) noexcept : value(other.value) { ++copies; }
    counted(counted&&) = default;
    counted& operator=(const counted&) = delete;
    counted& operator=(counted&&) = default;
    ~counted() = default;
};

TYPED_TEST(local_maps, copy_no_item_for_a_function_that_only_reads_it) {
    std::vector<counted> items;
    for (int i = 0; i != 10; ++i)
        items.emplace_back(i);
    counted::copies = 0;
    const auto read = [](const counted& c) { return c.value; };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, read, items)).back(), 9);
    EXPECT_EQ(sync_wait(cadre::map_outcomes(this->ex_, read, items)).back().value(), 9);
    EXPECT_EQ(sync_wait(cadre::reduce(this->ex_, read, std::plus<>{}, items, 0)), 45);
    EXPECT_EQ(counted::copies, 0);

    EXPECT_EQ(sync_wait(cadre::map(this->ex_, [](counted c) { return c.value; }, items)).back(), 9);
    EXPECT_EQ(counted::copies, 10);
}

TYPED_TEST(local_maps, leave_the_items_to_their_owner) {
    std::vector<std::string> texts{"one", "two"};
    const auto change = [](std::string text) { return std::move(text.append("!")); };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, change, texts)), (std::vector<std::string>{"one!", "two!"}));
    const auto change_own = [](auto& text) { return text.append("?"); };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, change_own, texts)), (std::vector<std::string>{"one?", "two?"}));
    const auto view = [](std::string_view text) { return text.size(); };
    EXPECT_EQ(sync_wait(cadre::map(this->ex_, view, texts)), (std::vector<std::size_t>{3, 3}));
    EXPECT_EQ(texts, (std::vector<std::string>{"one", "two"}));
}

}  // namespace
