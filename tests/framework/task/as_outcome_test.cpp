// as_outcome: completes with a value or an error and never throws.
#include <cadre/as_outcome.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::as_outcome;
using cadre::sync_wait;
using cadre::task;

TEST(as_outcome, completes_with_values) {
    auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto o = sync_wait(as_outcome(make()));
    ASSERT_TRUE(o.has_value());
    EXPECT_TRUE(static_cast<bool>(o));
    EXPECT_EQ(**o, 3);
    EXPECT_EQ(o.error(), nullptr);
    EXPECT_EQ(o.what(), "");
    EXPECT_EQ(*std::move(o).value(), 3);
    auto none = sync_wait(as_outcome(cadre::yield()));
    EXPECT_TRUE(none.has_value());
    none.value();
}

TEST(as_outcome, completes_with_errors) {
    auto fail = []() -> task<int> {
        throw std::out_of_range("far");
        co_return 1;
    };
    auto o = sync_wait(as_outcome(fail()));
    EXPECT_FALSE(o.has_value());
    EXPECT_EQ(o.what(), "far");
    EXPECT_THROW((void)o.value(), std::out_of_range);
    auto odd = []() -> task<> {
        throw 5;
        co_return;
    };
    EXPECT_FALSE(sync_wait(as_outcome(odd())).what().empty());
    struct no_text : std::exception {
        [[nodiscard]] const char* what() const noexcept override { return nullptr; }
    };
    auto silent = []() -> task<> {
        throw no_text();
        co_return;
    };
    EXPECT_EQ(sync_wait(as_outcome(silent())).what(), "(what() is a null pointer)");
}

TEST(as_outcome, a_cancelled_wait_is_an_error) {
    std::stop_source stop;
    stop.request_stop();
    auto o = sync_wait(cadre::with_stop(stop.get_token(), as_outcome(cadre::sleep_for(1h))));
    EXPECT_EQ(o.what(), cadre::cancelled{}.what());
}

static_assert(std::is_convertible_v<int, cadre::outcome<long>>);
static_assert(!std::is_convertible_v<int, cadre::outcome<std::vector<int>>>, "a size is no vector");
static_assert(!std::is_constructible_v<cadre::outcome<bool>, cadre::outcome<int>>, "has_value() is not the value");
static_assert(!std::is_convertible_v<std::optional<int>, cadre::outcome<bool>>);

}  // namespace
