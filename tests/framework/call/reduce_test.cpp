#include <atomic>
#include <memory>
#include <ranges>
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

}  // namespace
