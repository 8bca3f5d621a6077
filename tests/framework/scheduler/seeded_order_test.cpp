// A serial executor with a seed: ready tasks run in an order drawn from it, and the same seed draws the same order.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <random>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

using order = std::vector<int>;

cadre::serial_executor seeded(std::uint64_t seed) {
    return cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time, .seed = seed}};
}

template <class F>
order run(std::uint64_t seed, F f) {
    order seen;
    cadre::sync_wait(cadre::on(seeded(seed), f, std::ref(seen)));
    return seen;
}

cadre::task<> note(order& seen, int which) {
    seen.push_back(which);
    co_await cadre::yield();
    seen.push_back(which);
}

cadre::task<> a_scope(std::reference_wrapper<order> seen) {
    cadre::scope s;
    for (int i = 0; i < 6; ++i)
        s.spawn(note(seen, i));
    co_await s.join();
}

cadre::task<> a_fork(std::reference_wrapper<order> seen) {
    co_await cadre::when_all(note(seen, 0), note(seen, 1), note(seen, 2), note(seen, 3), note(seen, 4));
}

cadre::task<> equal_deadlines(std::reference_wrapper<order> seen) {
    auto sleeper = [&o = seen.get()](int which) -> cadre::task<> {
        co_await cadre::sleep_for(1h);
        o.push_back(which);
    };
    std::vector<cadre::task<>> all;
    for (int i = 0; i < 6; ++i)
        all.push_back(sleeper(i));
    co_await cadre::when_all(std::move(all));
}

cadre::task<> selects(std::reference_wrapper<order> seen) {
    const cadre::executor self = co_await cadre::this_task::executor();
    cadre::channel<int> a{self, 8};
    cadre::channel<int> b{self, 8};
    for (int i = 0; i < 8; ++i) {
        co_await a.send(i);
        co_await b.send(i);
    }
    for (int i = 0; i < 8; ++i)
        seen.get().push_back(static_cast<int>((co_await cadre::select(a.receive(), b.receive())).index()));
}

// The time at which the second attempt began, in parts of a second.
cadre::task<> jitter(std::reference_wrapper<order> seen) {
    const auto before = cadre::now();
    int calls = 0;
    co_await cadre::retry({.attempts = 2, .delay = 1s, .jitter = 0.5}, [&calls] {
        if (++calls == 1) throw std::runtime_error("once");
    });
    seen.get().push_back(static_cast<int>((cadre::now() - before) / 1us));
}

// A consumer whose receives never have to wait still lets others in.
cadre::task<> ready_operations(std::reference_wrapper<order> seen) {
    const cadre::executor self = co_await cadre::this_task::executor();
    cadre::channel<int> full{self, 64};
    for (int i = 0; i < 64; ++i)
        (void)full.try_send(i);
    auto consumer = [&o = seen.get(), full](int which) -> cadre::task<> {
        for (int i = 0; i < 32; ++i) {
            (void)co_await full.receive();
            o.push_back(which);
        }
    };
    co_await cadre::when_all(consumer(0), consumer(1));
}

// An item that takes another time in each run.
void note_slowly(order& seen, int which) {
    static std::mt19937 engine{std::random_device{}()};
    seen.push_back(which);
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(engine() % 300);
    while (std::chrono::steady_clock::now() < end) {
    }
}
cadre::task<> maps_beside_tasks(cadre::serial_executor loop, std::reference_wrapper<order> seen) {
    auto item = [&o = seen.get()](int i) { note_slowly(o, 100 + i); };
    auto as_task = [&item](int i) -> cadre::task<> {
        item(i);
        co_return;
    };
    const std::list<int> no_array(20, 7);
    cadre::scope s;
    for (int i = 0; i < 6; ++i)
        s.spawn(note(seen, i));
    co_await cadre::map(loop, item, std::views::iota(0, 20));
    co_await cadre::map(loop, item, no_array);
    co_await cadre::map(loop, as_task, std::views::iota(0, 20));
    co_await s.join();
}

using program = cadre::task<> (*)(std::reference_wrapper<order>);
struct named_program {
    const char* name;
    program run;
};
constexpr named_program programs[] = {{"scope", a_scope},   {"fork", a_fork},   {"equal_deadlines", equal_deadlines},
                                      {"selects", selects}, {"jitter", jitter}, {"ready_operations", ready_operations}};

class seeded_order : public ::testing::TestWithParam<named_program> {};

}  // namespace

TEST_P(seeded_order, the_same_seed_gives_the_same_order) {
    for (std::uint64_t seed = 0; seed < 20; ++seed)
        EXPECT_EQ(run(seed, GetParam().run), run(seed, GetParam().run)) << "seed " << seed;
}

TEST_P(seeded_order, other_seeds_give_other_orders) {
    std::set<order> seen;
    for (std::uint64_t seed = 0; seed < 100; ++seed)
        seen.insert(run(seed, GetParam().run));
    EXPECT_GT(seen.size(), 10u);
}

INSTANTIATE_TEST_SUITE_P(programs, seeded_order, ::testing::ValuesIn(programs),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(seeded_order, does_not_depend_on_the_time_that_items_of_maps_take) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const auto once = [seed] {
            order seen;
            const cadre::serial_executor loop = seeded(seed);
            cadre::sync_wait(cadre::on(loop, maps_beside_tasks, loop, std::ref(seen)));
            return seen;
        };
        EXPECT_EQ(once(), once()) << "seed " << seed;
    }
}

// On every compiler and every machine.
TEST(seeded_order, the_order_of_a_seed_is_fixed) {
    EXPECT_EQ(run(7, a_scope), (order{0, 4, 0, 5, 3, 4, 2, 2, 5, 1, 1, 3}));
}

TEST(seeded_order, every_task_comes_first_for_some_seed) {
    std::set<int> first;
    for (std::uint64_t seed = 0; seed < 200; ++seed)
        first.insert(run(seed, a_scope).front());
    EXPECT_EQ(first, (std::set<int>{0, 1, 2, 3, 4, 5}));
}

TEST(seeded_order, a_seed_does_without_a_virtual_clock) {
    order one;
    order two;
    cadre::sync_wait(cadre::on(cadre::serial_executor{{.seed = 3}}, a_scope, std::ref(one)));
    cadre::sync_wait(cadre::on(cadre::serial_executor{{.seed = 3}}, a_scope, std::ref(two)));
    EXPECT_EQ(one, two);
}

TEST(seeded_order, without_a_seed_tasks_run_in_turn) {
    order seen;
    cadre::sync_wait(
        cadre::on(cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time}}, a_scope, std::ref(seen)));
    EXPECT_EQ(seen, (order{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5}));
}
