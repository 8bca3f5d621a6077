// Constants of an executor of several hosts.

#include "executors/node/process_hosts.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using cadre::executor;
using cadre::on;
using cadre::shared_constant;
using cadre::sync_wait;
using cadre::task;

using numbers = std::vector<unsigned>;

numbers many(std::size_t count) {
    numbers n(count);
    std::iota(n.begin(), n.end(), 1u);
    return n;
}
unsigned sum(const numbers& n) { return std::accumulate(n.begin(), n.end(), 0u); }

/// Counts in this process how often one was decoded.
struct counted {
    static inline int decoded = 0;

    int value = 0;
    template <class A>
    void serialize(A& archive) {
        archive(value);
        if (value != 0) ++decoded;
    }
};

class HomeConstants : public simulated::process_hosts_test {};
INSTANTIATE_TEST_SUITE_P(redelivering_and_local, HomeConstants, simulated::redelivering_and_local());

unsigned sum_of(const shared_constant<numbers>& c) { return sum(*c); }

TEST_P(HomeConstants, tasks_of_all_hosts_read_one_of_any_size) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{3}, std::size_t{1'000'000}}) {
        const shared_constant c{ex, many(count)};
        for (int i = 0; i < 6; ++i)
            EXPECT_EQ(sync_wait(on(ex, sum_of, c)), sum(many(count)));
        EXPECT_EQ(c->size(), count);
    }
}

std::pair<pid_t, int> read_and_count(const shared_constant<counted>& c) {
    const int before = counted::decoded;
    return {c->value == 7 ? ::getpid() : 0, counted::decoded - before};
}

TEST_P(HomeConstants, each_worker_decodes_it_once) {
    const shared_constant c{ex, counted{7}};
    std::map<pid_t, int> decoded;
    for (int i = 0; i < 20; ++i) {
        const auto [worker, times] = sync_wait(on(ex, read_and_count, c));
        EXPECT_NE(worker, 0);
        decoded[worker] += times;
        // Another one arrives: what exists is kept.
        const shared_constant other{ex, counted{7}};
        static_cast<void>(sync_wait(on(ex, read_and_count, other)));
    }
    for (const auto& [worker, times] : decoded)
        EXPECT_LE(times, 1);
}

task<shared_constant<numbers>> make_in_a_worker(std::size_t count) {
    const executor here = co_await cadre::this_task::executor();
    co_return shared_constant<numbers>{here, many(count)};
}

TEST_P(HomeConstants, a_worker_makes_one_that_outlives_it) {
    const shared_constant<numbers> made = sync_wait(on(ex, make_in_a_worker, std::size_t{700'000}));
    EXPECT_EQ(sum(*made), sum(many(700'000)));
    EXPECT_EQ(sync_wait(on(ex, sum_of, made)), sum(many(700'000)));
}

TEST_P(HomeConstants, it_can_be_read_after_the_shutdown_and_not_be_made) {
    const shared_constant c{ex, many(3)};
    sync_wait(ex.shutdown());
    EXPECT_EQ(sum(*c), 6u);
    EXPECT_THROW((shared_constant{ex, many(3)}), cadre::executor_stopped);
}

}  // namespace
