#include <cadre/executors/thread.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <limits>
#include <ranges>
#include <stdexcept>
#include <vector>

namespace {

int twice(int x) { return 2 * x; }

void throw_at_once(std::size_t, std::size_t) { throw std::runtime_error("no progress"); }

cadre::task<int> twice_later(int x) { co_return 2 * x; }

TEST(parallel_loop, a_chunk_may_be_larger_than_the_input) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    for (const std::size_t chunk : {std::size_t{3}, std::size_t{4}, std::numeric_limits<std::size_t>::max()}) {
        const auto doubled =
            cadre::sync_wait(cadre::map(ex, twice, std::vector<int>{1, 2, 3}, cadre::map_options{.chunk = chunk}));
        EXPECT_EQ(doubled, (std::vector<int>{2, 4, 6})) << chunk;
    }
}

TEST(parallel_loop, what_progress_throws_leaves_the_map_when_all_work_has_ended) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    const auto options = cadre::map_options{.progress = throw_at_once};
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, twice, std::views::iota(0, 1000), options)), std::runtime_error);
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, twice_later, std::views::iota(0, 1000), options)), std::runtime_error);
}

// Progress is a function of no parameters but its two numbers: what it shares is global here.
std::atomic<int> inside{0};
std::atomic<bool> overlapped{false};

void count_inside(std::size_t, std::size_t) {
    if (inside.fetch_add(1) != 0) overlapped = true;
    for (volatile int i = 0; i < 2000; i = i + 1) {
    }
    inside.fetch_sub(1);
}

cadre::task<void> map_at_home(cadre::executor ex) {
    (void)co_await cadre::map(ex, twice, std::views::iota(0, 100'000),
                              cadre::map_options{.chunk = 10, .progress = count_inside});
}

TEST(parallel_loop, calls_of_progress_do_not_overlap_where_the_home_is_a_pool) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 4}};
    cadre::sync_wait(cadre::on(ex, map_at_home, ex));
    EXPECT_FALSE(overlapped.load());
}

}  // namespace
