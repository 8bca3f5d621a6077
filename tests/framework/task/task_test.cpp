// task: lazy, runs when awaited, completes with its result once, is destroyed safely at any time; any depth, any
// number.
#include <cadre/task.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/when_all.hpp>

namespace {

using cadre::sync_wait;
using cadre::task;

// g++ makes plain calls of symmetric transfers under sanitizers.
#if defined(__GNUC__) && !defined(__clang__) && (defined(CADRE_ASAN) || defined(CADRE_TSAN))
constexpr int deep = 1'000;
#elif defined(CADRE_ASAN) || defined(CADRE_TSAN)
constexpr int deep = 50'000;
#else
constexpr int deep = 1'000'000;
#endif

task<int> answer() { co_return 42; }

TEST(task, completes_with_its_result) { EXPECT_EQ(sync_wait(answer()), 42); }

TEST(task, is_lazy) {
    bool ran = false;
    auto note = [&]() -> task<> {
        ran = true;
        co_return;
    };
    {
        const task<> never = note();
        EXPECT_FALSE(ran);
    }
    EXPECT_FALSE(ran);
    sync_wait(note());
    EXPECT_TRUE(ran);
}

TEST(task, destroying_an_unstarted_task_releases_its_arguments) {
    auto held = std::make_shared<int>(1);
    auto hold = [](std::shared_ptr<int> p) -> task<int> { co_return *p; };
    {
        const auto never = hold(held);
        EXPECT_EQ(held.use_count(), 2);
    }
    EXPECT_EQ(held.use_count(), 1);
}

TEST(task, moves) {
    task<int> a = answer();
    task<int> b = std::move(a);
    EXPECT_FALSE(static_cast<bool>(a));  // NOLINT(bugprone-use-after-move): that is the promise
    task<int> c;
    c = std::move(b);
    EXPECT_EQ(sync_wait(std::move(c)), 42);
}

TEST(task, carries_move_only_and_void_results) {
    auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    auto pass_on = [&]() -> task<std::unique_ptr<int>> {
        auto p = co_await make();
        co_return p;
    };
    EXPECT_EQ(*sync_wait(pass_on()), 5);
    auto nothing = []() -> task<> { co_return; };
    sync_wait(nothing());
}

TEST(task, rethrows_its_exception) {
    auto fail = []() -> task<int> {
        throw std::out_of_range("far");
        co_return 1;
    };
    std::string seen;
    auto catching = [&]() -> task<int> {
        try {
            co_return co_await fail();
        } catch (const std::out_of_range& e) {
            seen = e.what();
        }
        co_return -1;
    };
    EXPECT_EQ(sync_wait(catching()), -1);
    EXPECT_EQ(seen, "far");
    EXPECT_THROW(sync_wait(fail()), std::out_of_range);
}

TEST(task, locals_are_destroyed_in_order_when_an_error_passes) {
    std::vector<std::string> gone;
    struct local {
        local(std::vector<std::string>& list, std::string text) : gone_(list), name_(std::move(text)) {}
        local(const local&) = delete;
        local& operator=(const local&) = delete;
        ~local() { gone_.push_back(name_); }
        std::vector<std::string>& gone_;
        std::string name_;
    };
    auto inner = [&]() -> task<> {
        const local a(gone, "inner");
        throw std::runtime_error("x");
        co_return;
    };
    auto outer = [&]() -> task<> {
        const local b(gone, "outer");
        co_await inner();
    };
    EXPECT_THROW(sync_wait(outer()), std::runtime_error);
    EXPECT_EQ(gone, (std::vector<std::string>{"inner", "outer"}));
}

task<int> down(int n) {
    if (n == 0) co_return 0;
    const int below = co_await down(n - 1);
    co_return below + 1;
}

TEST(task, recursion_is_bounded_by_memory_not_by_the_stack) { EXPECT_EQ(sync_wait(down(deep)), deep); }

task<int> fail_below(int n) {
    if (n == 0) throw std::domain_error("bottom");
    const int below = co_await fail_below(n - 1);
    co_return below + 1;
}

TEST(task, errors_propagate_from_any_depth) { EXPECT_THROW(sync_wait(fail_below(deep / 100)), std::domain_error); }

task<int> fork_down(int n) {
    if (n == 0) co_return 0;
    const auto [a, b] = co_await cadre::when_all(fork_down(n - 1), answer());
    co_return a + b;
}

TEST(task, forks_nest_deeply) { EXPECT_EQ(sync_wait(fork_down(deep / 20)), deep / 20 * 42); }

TEST(task, long_loops_use_no_stack) {
    auto loop = []() -> task<long> {
        long sum = 0;
        for (int i = 0; i < deep * 100; ++i)  // a hundred million in an optimised build
            sum += co_await answer();
        for (int i = 0; i < deep / 10; ++i)
            co_await cadre::yield();
        for (int i = 0; i < deep / 10; ++i) {
            const auto [a, b] = co_await cadre::when_all(answer(), answer());
            sum += a - b;
        }
        co_return sum;
    };
    EXPECT_EQ(sync_wait(loop()), 4200L * deep);
}

TEST(task, errors_in_long_loops_use_no_stack) {
    auto fail = []() -> task<> {
        throw 1;
        co_return;
    };
    auto loop = [&]() -> task<int> {
        int caught = 0;
        for (int i = 0; i < 20'000; ++i) {
            try {
                co_await fail();
            } catch (int) {
                ++caught;
            }
        }
        co_return caught;
    };
    EXPECT_EQ(sync_wait(loop()), 20'000);
}

struct counted {
    static inline int live = 0;
    counted() { ++live; }
    counted(const counted&) { ++live; }
    counted(counted&&) noexcept { ++live; }
    counted& operator=(const counted&) = default;
    ~counted() { --live; }
};
struct throws_at_its_end {
    throws_at_its_end() = default;
    throws_at_its_end(const throws_at_its_end&) = delete;
    throws_at_its_end& operator=(const throws_at_its_end&) = delete;
    ~throws_at_its_end() noexcept(false) { throw std::domain_error("destructor"); }
};

task<counted> fails_after_its_result() {
    const throws_at_its_end bomb;
    co_return counted{};
}
task<std::vector<counted>> returns_twice() {
    try {
        const throws_at_its_end bomb;
        co_return std::vector<counted>(3);
    } catch (const std::domain_error&) {
        co_return std::vector<counted>(2);
    }
}

TEST(task, a_result_is_destroyed_when_a_destructor_throws_after_co_return) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_THROW((void)sync_wait(fails_after_its_result()), std::domain_error);
        EXPECT_EQ(counted::live, 0);
        EXPECT_EQ(sync_wait(returns_twice()).size(), 2u);
        EXPECT_EQ(counted::live, 0);
    }
}

}  // namespace
