#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/executors/thread.hpp>
#include <cadre/reduce.hpp>
#include <cadre/sync_wait.hpp>

namespace {

/// Counts the live results and their maximum.
struct tracked {
    static inline std::atomic<int> live{0};
    static inline std::atomic<int> maximum{0};
    long value = 0;

    tracked() { count(); }
    explicit tracked(long v) : value(v) { count(); }
    tracked(tracked&& o) noexcept : value(o.value) { count(); }
    tracked& operator=(tracked&&) = default;
    ~tracked() { --live; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value);
    }

private:
    static void count() noexcept {
        const int now = ++live;
        int before = maximum.load();
        while (before < now && !maximum.compare_exchange_weak(before, now)) {
        }
    }
};

tracked track(int x) { return tracked(x); }
tracked add(tracked left, tracked right) { return tracked(left.value + right.value); }

TEST(reduce, holds_values_for_the_chunks_in_flight_only) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    const tracked sum = cadre::sync_wait(
        cadre::reduce(ex, track, add, std::views::iota(0, 100'000), tracked(0), {.chunk = 10, .window = 100}));
    EXPECT_EQ(sum.value, 4'999'950'000L);
    EXPECT_LT(tracked::maximum.load(), 150);
}

// After an operation has thrown, none is called with what it has moved from. Slow items below the failure are left for
// workers that have failed: they go on with them.
TEST(reduce, never_combines_what_a_failed_operation_has_taken) {
    using number = std::unique_ptr<int>;
    const cadre::thread_executor ex{{.workers = 4}};
    std::atomic<int> empty{0};
    const auto make = [](int x) {
        if (x % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
        return std::make_unique<int>(x);
    };
    const auto combine = [&](number left, number right) {
        if (left == nullptr || right == nullptr) {
            ++empty;
            return std::make_unique<int>(0);
        }
        if (*right % 16 == 9 && *right > 16) throw std::runtime_error("9");
        return left;
    };
    for (int i = 0; i != 200; ++i)
        EXPECT_THROW((void)cadre::sync_wait(
                         cadre::reduce(ex, make, combine, std::views::iota(0, 64 + i % 7), std::make_unique<int>(0))),
                     std::runtime_error);
    EXPECT_EQ(empty.load(), 0);
}

TEST(reduce, takes_the_elements_of_a_map) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    const std::map<int, int> squares{{1, 1}, {2, 4}, {3, 9}};
    EXPECT_EQ(cadre::sync_wait(cadre::reduce(
                  ex, [](int key, int value) { return key * value; }, std::plus<>{}, squares, 0)),
              36);
    EXPECT_EQ(cadre::sync_wait(cadre::reduce(
                  ex, [](const std::pair<const int, int>& p) { return p.second; }, std::plus<>{}, squares, 0)),
              14);
}

}  // namespace
