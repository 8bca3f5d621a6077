// Results of awaiting expressions: each value is destroyed once, on every compiler.
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/cadre.hpp>

#include "tracked.hpp"

namespace {

using namespace std::chrono_literals;
using namespace compiler_test;
using cadre::task;

task<tracked> make() {
    co_await cadre::yield();
    co_return tracked{};
}
task<parcel> make_parcel(int n) {
    co_await cadre::yield();
    parcel p;
    p.number = n;
    co_return p;
}
task<int> number(int n) {
    co_await cadre::yield();
    co_return n;
}
task<std::string> fail() {
    co_await cadre::yield();
    throw std::runtime_error(long_text);
}
task<std::vector<parcel>> make_parcels(int n) {
    std::vector<parcel> all;
    for (int i = 0; i < n; ++i)
        all.push_back(co_await make_parcel(i));
    co_return all;
}
int add(int a, int b) { return a + b; }

class compiler_results : public ::testing::Test {
protected:
    void TearDown() override { EXPECT_EQ(tracked::live, 0); }
    static void run(task<> body) { cadre::sync_wait(std::move(body)); }
};

TEST_F(compiler_results, structured_bindings) {
    auto body = []() -> task<> {
        auto [a, b, c] = co_await cadre::when_all(make(), make_parcel(2), number(3));
        EXPECT_EQ(a.text(), long_text);
        EXPECT_EQ(b.number + c, 5);
        const auto [content, label, n] = co_await make_parcel(4);
        EXPECT_EQ(content.text(), long_text);
        EXPECT_EQ(n, 4);
        std::vector<task<parcel>> many;
        for (int i = 0; i < 3; ++i)
            many.push_back(make_parcel(i));
        const auto all = co_await cadre::when_all(std::move(many));
        EXPECT_EQ(all.size(), 3u);
    };
    run(body());
}

TEST_F(compiler_results, inside_larger_expressions) {
    auto body = []() -> task<> {
        const int sum = add(co_await number(1), co_await number(2)) + co_await number(3);
        EXPECT_EQ(sum, 6);
        const std::size_t size = (co_await make()).text().size() + (co_await make_parcel(1)).label.size();
        EXPECT_GT(size, 80u);
        std::string text = "<" + (co_await make()).text() + ">";
        EXPECT_EQ(text.size(), long_text.size() + 2);
        text += (co_await make_parcel(1)).label;
        const int chosen = sum > 3 ? co_await number(10) : co_await number(20);
        EXPECT_EQ(chosen, 10);
        const bool both = co_await number(1) == 1 && co_await number(0) == 0;
        EXPECT_TRUE(both);
        std::vector<tracked> list;
        list.push_back(co_await make());
        list.emplace_back((co_await make()).text());
        EXPECT_EQ(list.size(), 2u);
    };
    run(body());
}

TEST_F(compiler_results, in_conditions_and_loops) {
    auto body = []() -> task<> {
        if (const auto t = co_await make(); t.text() == long_text) {
            EXPECT_FALSE(t.text().empty());
        } else {
            ADD_FAILURE();
        }
        int turns = 0;
        while (co_await number(turns) < 3)
            ++turns;
        EXPECT_EQ(turns, 3);
        int sum = 0;
        for (const parcel& p : co_await make_parcels(5))
            sum += p.number;
        EXPECT_EQ(sum, 10);
        for (int i = 0, n = co_await number(2); i < n; ++i)
            sum += co_await number(i);
        EXPECT_EQ(sum, 11);
        switch (co_await number(2)) {
            case 2: sum = 2; break;
            default: sum = 0;
        }
        EXPECT_EQ(sum, 2);
    };
    run(body());
}

TEST_F(compiler_results, into_members_optionals_and_pointers) {
    auto body = []() -> task<> {
        struct holder {
            explicit holder(tracked t) : member(std::move(t)) {}
            tracked member;
        };
        const holder h(co_await make());
        std::optional<parcel> maybe;
        maybe.emplace(co_await make_parcel(1));
        maybe = co_await make_parcel(2);
        EXPECT_EQ(maybe->number, 2);
        const auto p = std::make_unique<parcel>(co_await make_parcel(3));
        EXPECT_EQ(p->number, 3);
        parcel assigned;
        assigned = co_await make_parcel(4);
        EXPECT_EQ(assigned.number, 4);
    };
    run(body());
}

TEST_F(compiler_results, errors_leave_nothing_behind) {
    auto body = []() -> task<> {
        const tracked before;
        std::string seen;
        try {
            const tracked inside = co_await make();
            const std::string never = inside.text() + co_await fail();
        } catch (const std::runtime_error& e) {
            seen = e.what();
        }
        EXPECT_EQ(seen, long_text);
        EXPECT_EQ(tracked::live, 1);
        const auto o = co_await cadre::as_outcome(fail());
        EXPECT_EQ(o.what(), long_text);
        const auto good = co_await cadre::as_outcome(make_parcel(1));
        EXPECT_EQ(good->number, 1);
        bool failed = false;
        try {
            (void)co_await cadre::when_all(make(), fail(), make_parcel(1));
        } catch (const std::runtime_error&) {
            failed = true;
        }
        EXPECT_TRUE(failed);
    };
    run(body());
}

TEST_F(compiler_results, guards_live_as_long_as_their_scope) {
    auto body = [](cadre::executor ex) -> task<> {
        cadre::async_mutex mutex{ex};
        cadre::async_semaphore semaphore{ex, 1};
        cadre::shared_value<int> value{ex, 1};
        for (int i = 0; i < 3; ++i) {
            auto guard = co_await mutex.lock();
            EXPECT_FALSE(mutex.try_lock());
            auto permit = co_await semaphore.acquire();
            EXPECT_EQ(semaphore.available(), 0u);
            co_await value.update([i](int x) { return x + i; });
        }
        EXPECT_EQ(semaphore.available(), 1u);
        {
            auto cell = co_await value.lock();
            *cell += 10;
        }
        EXPECT_EQ(co_await value.get(), 14);
        EXPECT_TRUE(mutex.try_lock());
    };
    const cadre::serial_executor loop;
    run(body(loop));
}

TEST_F(compiler_results, combinators_compose) {
    auto body = []() -> task<> {
        const auto [a, b] = co_await cadre::when_all(cadre::timeout(1h, make()), cadre::as_outcome(fail()));
        EXPECT_EQ(a.text(), long_text);
        EXPECT_FALSE(b);
        auto any = co_await cadre::when_any(make(), cadre::sleep_for(1h));
        EXPECT_EQ(get<0>(any).text(), long_text);
        const auto shielded = co_await cadre::shield(make());
        EXPECT_EQ(shielded.text(), long_text);
        auto nested = co_await cadre::with_scope([](cadre::scope& s) -> task<parcel> {
            s.spawn(number(1));
            co_return co_await make_parcel(9);
        });
        EXPECT_EQ(nested.number, 9);
        auto blocking = co_await cadre::run_blocking([] { return tracked{}; });
        EXPECT_EQ(blocking.text(), long_text);
    };
    run(body());
}

}  // namespace
