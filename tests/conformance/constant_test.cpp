// `shared_constant` on every kind: the same value in the program and in calls, whichever of them made it.
#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/shared_constant.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/hosts.hpp"
#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using namespace std::chrono_literals;
using cadre::executor;
using cadre::shared_constant;
using cadre::task;

using numbers = std::vector<int>;

template <class Kind>
class constant_conformance : public ::testing::Test {
protected:
    const executor under_test = Kind::make();
};
using kinds =
    ::testing::Types<serial, threads<1>, threads<2>, processes<1>, processes<2>, hosts<true>, hosts<false, true>>;
TYPED_TEST_SUITE(constant_conformance, kinds);

numbers from_zero(std::size_t count) {
    numbers all(count);
    std::iota(all.begin(), all.end(), 0);
    return all;
}

int element(shared_constant<numbers> c, std::size_t i) { return c->at(i); }

TYPED_TEST(constant_conformance, every_call_reads_the_value) {
    const auto body = [](executor ex) -> task<void> {
        const shared_constant<numbers> c{ex, from_zero(100'000)};
        const auto read =
            co_await cadre::map(ex, cadre::bind_portable(element, c), std::views::iota(std::size_t{0}, c->size()));
        EXPECT_EQ(read, *c);
    };
    cadre::sync_wait(body(this->under_test));
}

task<int> element_of_copy(executor ex, shared_constant<numbers> c, std::size_t i) {
    const auto copy = c;
    const int there = co_await cadre::on(ex, element, c, i);
    co_return there == (*c)[i] ? there : -1;
}

TYPED_TEST(constant_conformance, travels_on_with_nested_calls) {
    const shared_constant<numbers> c{this->under_test, from_zero(10)};
    EXPECT_EQ(cadre::sync_wait(cadre::on(this->under_test, element_of_copy, this->under_test, c, 7)), 7);
}

struct model {
    std::string name;
    std::map<std::string, std::vector<double>> layers;
    friend bool operator==(const model&, const model&) = default;
};

shared_constant<model> make_in_worker(executor ex) {
    return shared_constant<model>{ex, model{"m", {{"first", {1.5, 2.5}}, {"second", {}}}}};
}

bool is_same(shared_constant<model> c, model expected) { return *c == expected && c->name == expected.name; }

TYPED_TEST(constant_conformance, may_be_made_by_a_call_and_read_by_all) {
    const auto c = cadre::sync_wait(cadre::on(this->under_test, make_in_worker, this->under_test));
    const model expected{"m", {{"first", {1.5, 2.5}}, {"second", {}}}};
    EXPECT_EQ(*c, expected);
    EXPECT_TRUE(cadre::sync_wait(cadre::on(this->under_test, is_same, c, expected)));
}

task<void> send_back(cadre::channel<shared_constant<numbers>> in, cadre::channel<shared_constant<numbers>> out) {
    auto c = co_await in.receive();
    co_await out.send(*c);
}

TYPED_TEST(constant_conformance, comes_back_as_the_same_constant) {
    const auto body = [](executor ex) -> task<void> {
        const cadre::channel<shared_constant<numbers>> there{ex, 1};
        const cadre::channel<shared_constant<numbers>> back{ex, 1};
        const shared_constant<numbers> c{ex, from_zero(3)};
        const shared_constant<numbers> other{ex, from_zero(3)};
        co_await there.send(c);
        co_await cadre::on(ex, send_back, there, back);
        const auto returned = co_await back.receive();
        EXPECT_TRUE(returned == c);
        EXPECT_FALSE(returned == other);
        EXPECT_EQ(&**returned, &*c);
    };
    cadre::sync_wait(body(this->under_test));
}

struct nothing {
    friend bool operator==(const nothing&, const nothing&) = default;
};
bool is_nothing(shared_constant<nothing> c) { return *c == nothing{}; }
bool is_empty(shared_constant<std::string> c) { return c->empty(); }
double plain(shared_constant<double> c) { return *c; }

TYPED_TEST(constant_conformance, of_any_size) {
    EXPECT_TRUE(
        cadre::sync_wait(cadre::on(this->under_test, is_nothing, shared_constant{this->under_test, nothing{}})));
    EXPECT_TRUE(
        cadre::sync_wait(cadre::on(this->under_test, is_empty, shared_constant<std::string>{this->under_test, ""})));
    EXPECT_EQ(cadre::sync_wait(cadre::on(this->under_test, plain, shared_constant{this->under_test, 0.5})), 0.5);
}

TYPED_TEST(constant_conformance, refuses_integers_that_do_not_fit) {
    EXPECT_THROW((shared_constant<std::int8_t>{this->under_test, 300}), std::range_error);
}

TYPED_TEST(constant_conformance, outlives_the_shutdown_of_its_executor) {
    const auto body = [](executor ex) -> task<void> {
        const shared_constant<numbers> mine{ex, from_zero(5)};
        const auto theirs = co_await cadre::on(ex, make_in_worker, ex);
        auto end = ex.shutdown(10s);
        co_await std::move(end);
        EXPECT_EQ(mine->at(4), 4);
        EXPECT_EQ(theirs->name, "m");
        EXPECT_THROW((shared_constant<numbers>{ex, from_zero(5)}), cadre::executor_stopped);
    };
    cadre::sync_wait(body(this->under_test));
}

}  // namespace
