// Limits of the process executor: many workers, little address space, bodies that do not fit.

#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/this_task.hpp>
#include <cadre/this_worker.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/resource.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<int> pass_on(cadre::channel<int> from, cadre::channel<int> to) {
    const auto n = co_await from.receive();
    co_await to.send(*n + 1);
    co_return cadre::this_worker::index();
}

task<int> count_up(cadre::shared_value<long> sum, cadre::async_semaphore permits) {
    for (int i = 0; i != 5; ++i) {
        const auto permit = co_await permits.acquire();
        auto guard = co_await sum.lock();
        *guard += 1;
    }
    co_return 0;
}

/// A message goes from worker to worker, and all of them use one lock and one semaphore.
task<void> all_workers_take_part(executor ex) {
    const auto n = static_cast<std::size_t>(ex.concurrency());
    std::vector<cadre::channel<int>> stations;
    for (std::size_t i = 0; i <= n; ++i)
        stations.emplace_back(ex, 1);
    std::vector<cadre::job<int>> jobs;
    for (std::size_t i = 0; i != n; ++i)
        jobs.push_back(cadre::spawn(ex, pass_on, stations[i], stations[i + 1]));
    co_await stations[0].send(0);
    EXPECT_EQ(co_await stations[n].receive(), static_cast<int>(n));
    std::set<int> workers;
    for (auto& job : jobs)
        workers.insert(co_await job);
    EXPECT_GT(workers.size(), n / 2);  // a worker may have got two

    const cadre::shared_value<long> sum{ex, 0};
    const cadre::async_semaphore permits{ex, 3};
    std::vector<cadre::job<int>> counting;
    for (std::size_t i = 0; i != n; ++i)
        counting.push_back(cadre::spawn(ex, count_up, sum, permits));
    for (auto& job : counting)
        co_await job;
    EXPECT_EQ(co_await sum.get(), static_cast<long>(5 * n));
    EXPECT_EQ(permits.available(), 3u);
}

TEST(bounds, a_hundred_and_fifty_workers_in_two_executors) {
    const executor one = process_executor{{.workers = 90}};
    const executor two = process_executor{{.workers = 60}};
    run(all_workers_take_part, one);
    run(all_workers_take_part, two);
}

task<int> dies_with_permits(cadre::async_semaphore permits, cadre::shared_value<int> value) {
    auto guard = co_await value.lock();
    auto permit = co_await permits.acquire(2);
    co_return die_by_signal(SIGKILL);
}

task<void> every_worker_dies_once(executor ex) {
    const cadre::shared_value<int> value{ex, 0};
    const cadre::async_semaphore permits{ex, 2};
    for (std::size_t i = 0; i != 80; ++i)
        EXPECT_THROW(co_await cadre::on(ex, dies_with_permits, permits, value), cadre::worker_crashed);
    auto permit = co_await permits.acquire(2);
    const auto guard = co_await value.lock();
    EXPECT_TRUE(guard.owner_died());
}

TEST(bounds, what_workers_beyond_the_near_ones_held_is_freed) {
    run(every_worker_dies_once, process_executor{{.workers = 80}});
}

/// Lowers the limit of address space to what is used and `bytes` more.
class little_address_space {
public:
    explicit little_address_space(std::uint64_t bytes) {
        ::getrlimit(RLIMIT_AS, &before_);
        std::uint64_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        rlimit little = before_;
        little.rlim_cur = pages * 4096 + bytes;
        EXPECT_EQ(::setrlimit(RLIMIT_AS, &little), 0);
    }
    little_address_space(const little_address_space&) = delete;
    little_address_space& operator=(const little_address_space&) = delete;
    ~little_address_space() { ::setrlimit(RLIMIT_AS, &before_); }

private:
    rlimit before_{};
};

std::size_t length(std::string s) { return s.size(); }
std::string text_of(std::size_t n) { return std::string(n, 'x'); }

task<std::size_t> length_elsewhere(std::size_t n) {
    const executor ex = co_await cadre::this_task::executor();
    std::string s(n, 'y');
    co_return co_await cadre::on(ex, length, std::move(s));
}
task<std::size_t> text_from_elsewhere(std::size_t n) {
    const executor ex = co_await cadre::this_task::executor();
    const std::string s = co_await cadre::on(ex, text_of, n);
    co_return s.size();
}

std::size_t throws_text(std::size_t n) { throw std::runtime_error(std::string(n, 'e')); }
task<std::string> slow_text_of(std::size_t n) { co_return text_of(n); }

// One item of a chunk, whose value or error does not fit, is that item's error alone.
template <class F>
task<void> items_that_do_not_fit(executor ex, F f) {
    constexpr std::size_t large = std::size_t{120} << 20;
    std::vector<std::size_t> sizes(6, large);  // g++ 12 takes no list here
    sizes[0] = 1;
    sizes[2] = 3;
    sizes[3] = 100'000;
    const std::vector<std::size_t> two(2, large);
    const auto all = co_await cadre::map_outcomes(ex, f, sizes, {.chunk = 3});
    EXPECT_EQ(all.size(), sizes.size());
    for (std::size_t i = 0; i != all.size(); ++i)
        if (sizes[i] == large) {
            EXPECT_THROW((void)all[i].value(), std::bad_alloc) << i;
        } else if constexpr (std::is_same_v<F, std::size_t (*)(std::size_t)>) {
            EXPECT_THROW((void)all[i].value(), std::runtime_error) << i;
        } else {
            EXPECT_EQ(all[i].value().size(), sizes[i]) << i;
        }
    EXPECT_THROW((void)co_await cadre::map(ex, f, two, {.chunk = 2}), std::bad_alloc);
}

task<std::size_t> length_later(std::string s, cadre::channel<int> go) {
    (void)co_await go.receive();
    co_return s.size();
}

// Three arguments of which a worker holds one: the third call waits for the end of another.
task<void> arguments_wait_for_memory(executor ex) {
    const std::size_t half = std::size_t{50} << 20;
    const cadre::channel<int> go(ex, 8);
    std::vector<cadre::job<std::size_t>> jobs;
    for (int i = 0; i != 3; ++i)
        jobs.push_back(cadre::spawn(ex, length_later, std::string(half, 'x'), go));
    EXPECT_EQ(co_await cadre::on(ex, plus_one, 1), 2);  // is not held up
    for (int i = 0; i != 3; ++i)
        co_await go.send(1);
    for (auto& job : jobs)
        EXPECT_EQ(co_await job, half);
}

task<void> bodies_that_do_not_fit(executor ex) {
    constexpr std::size_t large = std::size_t{120} << 20;
    EXPECT_EQ(co_await cadre::on(ex, length, std::string(1 << 20, 'a')), std::size_t{1} << 20);
    std::string argument(large, 'a');
    EXPECT_THROW(co_await cadre::on(ex, length, std::move(argument)), std::bad_alloc);
    EXPECT_THROW(co_await cadre::on(ex, text_of, large), std::bad_alloc);
    EXPECT_THROW(co_await cadre::on(ex, length_elsewhere, large), std::bad_alloc);
    EXPECT_THROW(co_await cadre::on(ex, text_from_elsewhere, large), std::bad_alloc);
    EXPECT_EQ(co_await cadre::on(ex, length_elsewhere, std::size_t{1} << 20), std::size_t{1} << 20);
    EXPECT_EQ(co_await cadre::on(ex, plus_one, 1), 2);
    EXPECT_THROW(co_await cadre::on(ex, throws_text, large), std::bad_alloc);
    co_await items_that_do_not_fit(ex, &text_of);
    co_await items_that_do_not_fit(ex, &slow_text_of);
    co_await items_that_do_not_fit(ex, &throws_text);
    co_await arguments_wait_for_memory(ex);
}

#if !defined(CADRE_TSAN) && !defined(CADRE_ASAN)
TEST(bounds, little_address_space_makes_bodies_fail_that_do_not_fit) {
    std::optional<executor> ex;
    {
        const little_address_space limit(std::uint64_t{1} << 30);
        ex = process_executor{{.workers = 2}};
    }
    run(bodies_that_do_not_fit, *ex);
}

TEST(bounds, too_little_address_space_is_an_error_that_names_the_limit) {
    const little_address_space limit(std::uint64_t{16} << 20);
    const std::string what = what_of<cadre::config_error>([] { process_executor{{.workers = 3, .name = "cpu"}}; });
    EXPECT_NE(what.find("executor 'cpu'"), std::string::npos) << what;
    EXPECT_NE(what.find("ulimit -v"), std::string::npos) << what;
}
#endif

}  // namespace
