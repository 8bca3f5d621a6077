// make<T>: aggregates in awaiting expressions, destroyed once by every compiler, in every function that takes values.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/cadre.hpp>

#include "tracked.hpp"

namespace {

using namespace std::chrono_literals;
using namespace compiler_test;
using cadre::make;
using cadre::task;

struct request {
    std::string body;
    int number = 0;
};
std::size_t size_of(const request& r) { return r.body.size() + static_cast<std::size_t>(r.number); }
task<std::size_t> size_later(request r, request other) {
    co_await cadre::yield();
    co_return size_of(r) + size_of(other);
}
task<std::size_t> size_with_parcel(request r, parcel p) {
    co_await cadre::yield();
    co_return size_of(r) + p.label.size();
}

class compiler_make : public ::testing::TestWithParam<const char*> {
protected:
    void TearDown() override { EXPECT_EQ(tracked::live, 0); }
    cadre::executor executor_ = cadre::make_executor(GetParam());
};

TEST_P(compiler_make, values_of_calls) {
    cadre::sync_wait([](cadre::executor ex) -> task<> {
        for (int round = 0; round < 100; ++round) {
            std::string body = long_text;
            const auto a = co_await cadre::on(ex, size_of, make<request>(std::move(body), 1));
            EXPECT_EQ(a, long_text.size() + 1);
            const auto b = co_await cadre::on(ex, size_later, make<request>(long_text, 2), make<request>("label", 3));
            EXPECT_EQ(b, long_text.size() + 10);
            const auto c = co_await cadre::spawn(ex, size_of, make<request>(long_text, 3));
            EXPECT_EQ(c, long_text.size() + 3);
            const auto d = co_await cadre::timeout(1h, cadre::on(ex, size_of, make<request>("short", 4)));
            EXPECT_EQ(d, 9u);
        }
    }(executor_));
}

TEST_P(compiler_make, values_of_maps_and_channels) {
    cadre::sync_wait([](cadre::executor ex) -> task<> {
        for (int round = 0; round < 20; ++round) {
            std::vector<request> requests{{long_text, 1}, {"short", 2}};
            const std::vector<std::size_t> expected{long_text.size() + 1, 7};
            const auto a = co_await cadre::map(ex, size_of, requests);
            EXPECT_EQ(a, expected);
            cadre::channel<request> ch{ex, 4};
            co_await ch.send(make<request>(long_text, 1));
            co_await ch.emplace(long_text, 2);
            EXPECT_TRUE(ch.try_send(make<request>(long_text, 3)));
            for (int i = 1; i <= 3; ++i) {
                auto r = co_await ch.receive();
                EXPECT_TRUE(r && r->body == long_text && r->number == i);
            }
        }
    }(executor_));
}

INSTANTIATE_TEST_SUITE_P(kinds, compiler_make, ::testing::Values("serial", "thread:2", "process:2"),
                         [](const auto& tested) {
                             const std::string spec = tested.param;
                             return spec.substr(0, spec.find(':'));
                         });

TEST(compiler_make_at_home, values_of_scopes_and_calls) {
    cadre::sync_wait([]() -> task<> {
        cadre::scope s;
        s.spawn(size_with_parcel, make<request>(long_text, 1), make<parcel>(tracked{}, long_text, 1));
        co_await s.join();
        const auto a = co_await cadre::call(size_with_parcel, make<request>(long_text, 1), make<parcel>());
        EXPECT_GT(a, long_text.size());
        auto [b, c] = co_await cadre::when_all(cadre::call(size_with_parcel, make<request>("b", 1), make<parcel>()),
                                               cadre::call(size_with_parcel, make<request>("cc", 1), make<parcel>()));
        EXPECT_EQ(b + 1, c);
    }());
    EXPECT_EQ(tracked::live, 0);
}

}  // namespace
