// Workers are killed while their tasks change a segment: its containers are what the last complete change left.

#include <cadre/shared_segment.hpp>

#include <string>

#include "chaos/kill_rounds.hpp"

namespace {

using namespace cadre;
using namespace cadre::chaos_tests;

constexpr std::size_t tasks = 6;
constexpr std::uint64_t times = 150;

using words = shared::map<shared::string, std::uint64_t>;

// Under one lock: one more of `updates`, and an insertion into each of two maps.
task<void> insert(shared_segment segment, numbers done, std::size_t me) {
    for (std::uint64_t i = 0; i != times; ++i) {
        {
            auto g = co_await segment.lock();
            auto& updates = g.find_or_construct<std::uint64_t>("updates", std::uint64_t{0});
            const std::string key = "a word of some length: " + std::to_string(updates % 200);
            ++shared::value_of(g.find_or_construct<words>("left"), key);
            ++updates;
            if (i % 16 == 0) co_await yield();
            ++shared::value_of(g.find_or_construct<words>("right"), key);
        }
        done.atomic(me).fetch_add(1);
    }
}

std::uint64_t total(const words* of) {
    std::uint64_t sum = 0;
    if (of != nullptr)
        for (const auto& [word, count] : *of)
            sum += count;
    return sum;
}

TEST_F(kill_rounds, shared_segment) {
    play([](kill_round& r) -> task<void> {
        const shared_segment segment{r.ex, 1 << 18};
        const numbers done{r.ex, tasks};
        for (std::size_t i = 0; i != tasks; ++i)
            r.start(insert, segment, done, i);
        co_await r.strike();
        co_await r.finish();
        std::uint64_t complete = 0;
        for (const std::uint64_t n : done)
            complete += n;
        auto g = co_await timeout(within_a_second, segment.lock());
        const auto* const updates = g.find<std::uint64_t>("updates");
        const std::uint64_t now = updates == nullptr ? 0 : *updates;
        EXPECT_GE(now, complete);
        EXPECT_LE(now, complete + r.deaths());
        EXPECT_EQ(total(g.find<words>("left")), now);
        EXPECT_EQ(total(g.find<words>("right")), now);
        EXPECT_TRUE(g.manager()->check_sanity());
    });
}

}  // namespace
