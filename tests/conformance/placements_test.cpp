// A producer and a consumer in every placement: here, on the executor of the channel, on another one of the same kind;
// so in the parent, in the same worker and in two workers.
#include <cadre/async_barrier.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/on.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>

#include "conformance/of_others.hpp"

namespace {

using namespace conformance_tests;
using namespace cadre;

enum class place { here, there, elsewhere };
constexpr std::array places{place::here, place::there, place::elsewhere};

template <class Kind>
class placements : public of_others<Kind> {
protected:
    const executor another = Kind::make();

    /// Runs `f(args…)` in that place.
    template <class R, class... Args>
    task<R> run(place where, task<R> (*f)(Args...), Args... args) const {
        if (where == place::here) return f(std::move(args)...);
        return call_on(where == place::there ? this->under_test : another, f, std::move(args)...);
    }
    /// For each pair of places.
    template <class F>
    static void each(F f) {
        for (const place a : places)
            for (const place b : places) {
                SCOPED_TRACE("places " + std::to_string(static_cast<int>(a)) + " and " +
                             std::to_string(static_cast<int>(b)));
                f(a, b);
            }
    }

private:
    template <class R, class... Args>
    static task<R> call_on(executor ex, task<R> (*f)(Args...), Args... args) {
        co_return co_await on(ex, f, std::move(args)...);
    }
};
TYPED_TEST_SUITE(placements, kinds_of_others);

constexpr std::uint64_t items = 300;

std::string text(std::uint64_t i) { return std::string(i % 7 == 0 ? 200 : i % 40, static_cast<char>('a' + i % 26)); }

task<int> produce(channel<std::string> ch) {
    for (std::uint64_t i = 0; i != items; ++i)
        co_await ch.send(text(i));
    ch.close();
    co_return 0;
}
task<std::uint64_t> consume(channel<std::string> ch) {
    std::uint64_t right = 0;
    while (const auto got = co_await ch.receive())
        right += *got == text(right) ? 1 : 0;
    co_return right;
}

TYPED_TEST(placements, a_channel_keeps_all_messages_and_their_order) {
    this->each([this](place a, place b) {
        const channel<std::string> ch{this->under_test, 3};
        const auto [sent, received] = sync_wait(when_all(this->run(a, produce, ch), this->run(b, consume, ch)));
        EXPECT_EQ(received, items);
    });
}

task<int> increment(async_mutex m, shared_value<int> v) {
    for (int i = 0; i != 100; ++i) {
        const auto guard = co_await m.lock();
        const int before = v.load();
        if (i % 10 == 0) co_await yield();
        v.store(before + 1);
    }
    co_return 0;
}

TYPED_TEST(placements, a_mutex_excludes) {
    this->each([this](place a, place b) {
        const async_mutex m{this->under_test};
        const shared_value<int> v{this->under_test, 0};
        sync_wait(when_all(this->run(a, increment, m, v), this->run(b, increment, m, v)));
        EXPECT_EQ(v.load(), 200);
    });
}

task<int> ping(async_barrier b, async_event e, shared_value<int> v) {
    for (int i = 0; i != 20; ++i)
        co_await b.arrive_and_wait();
    v.store(1);
    v.notify_all();
    e.set();
    co_return 0;
}
task<int> pong(async_barrier b, async_event e, shared_value<int> v) {
    for (int i = 0; i != 20; ++i)
        co_await b.arrive_and_wait();
    co_await v.wait(0);
    co_await e.wait();
    co_return v.load();
}

TYPED_TEST(placements, tasks_wait_for_each_other) {
    this->each([this](place a, place b) {
        const async_barrier barrier{this->under_test, 2};
        const async_event e{this->under_test};
        const shared_value<int> v{this->under_test, 0};
        const auto [one, two] =
            sync_wait(when_all(this->run(a, ping, barrier, e, v), this->run(b, pong, barrier, e, v)));
        EXPECT_EQ(two, 1);
    });
}

}  // namespace
