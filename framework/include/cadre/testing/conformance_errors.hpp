/// @file
/// Conformance of errors: what algorithms do with the failures after the first, on every executor.
///
///     struct my_kind { static cadre::executor make() { return cadre::make_executor("mine:2"); } };
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, errors_conformance, my_kind);   // in namespace cadre::conformance
///
/// Its tests need `cadre::testing_main`, or a `cadre::runtime` in `main`.
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/map.hpp>
#include <cadre/nested_errors.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {

template <class Traits>
class errors_conformance : public ::testing::Test {
protected:
    executor under_test = Traits::make();
};
TYPED_TEST_SUITE_P(errors_conformance);

namespace error_tasks {

/// Fails when told to, whatever is stopped before.
inline task<int> fail_when_told(channel<int> begun, channel<int> gate, std::string text) {
    co_await begun.send(1);
    (void)co_await shield(gate.receive());
    throw std::runtime_error(text);
}
inline task<int> end_by_stop(channel<int> begun, std::string) {
    co_await begun.send(1);
    co_await sleep_for(std::chrono::hours(1));
    co_return 0;
}
/// Lets `failing` tasks fail when `all` have begun.
inline task<int> tell(channel<int> begun, channel<int> gate, int all, int failing) {
    while (all-- > 0)
        (void)co_await shield(begun.receive());
    while (failing-- > 0)
        co_await shield(gate.send(1));
    co_return 0;
}

inline task<int> fail_at_once(std::string text) {
    co_await yield();
    throw std::invalid_argument(text);
}
/// Both children fail, in a task of the executor.
inline task<int> fail_twice(std::string first, std::string second) {
    co_await when_all(fail_at_once(std::move(first)), fail_at_once(std::move(second)));
    co_return 0;
}
inline task<int> sleep_in_a_nested_call(executor ex) {
    const auto sleep = []() -> task<int> {
        co_await sleep_for(std::chrono::hours(1));
        co_return 0;
    };
    co_return co_await on(ex, sleep);
}

inline std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    }
}
/// The texts of the error that `failing` throws and of those nested in it, sorted.
template <class A>
task<std::vector<std::string>> failures_of(A failing) {
    std::vector<std::string> texts;
    try {
        (void)co_await std::move(failing);
    } catch (const std::exception& e) {
        texts.emplace_back(e.what());
        for (const auto& nested : nested_errors(e))
            texts.push_back(text_of(nested));
        EXPECT_EQ(nested_errors(std::current_exception()).size(), texts.size() - 1);
    }
    std::ranges::sort(texts);
    co_return texts;
}

}  // namespace error_tasks

TYPED_TEST_P(errors_conformance, when_all_keeps_later_failures) {
    using namespace error_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<int> begun{ex, 4};
        channel<int> gate{ex, 4};
        auto both = [&]() -> task<int> {
            (void)co_await when_all(on(ex, fail_when_told, begun, gate, "one"),
                                    on(ex, fail_when_told, begun, gate, "two"), on(ex, end_by_stop, begun, ""),
                                    tell(begun, gate, 3, 2));
            co_return 0;
        };
        const auto texts = co_await failures_of(both());
        EXPECT_EQ(texts, (std::vector<std::string>{"one", "two"}));
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(errors_conformance, a_scope_keeps_later_failures) {
    using namespace error_tasks;
    const auto in_scope = [](executor ex) -> task<void> {
        channel<int> begun{ex, 4};
        channel<int> gate{ex, 4};
        scope s;
        s.spawn(ex, fail_when_told, begun, gate, "one");
        s.spawn(ex, fail_when_told, begun, gate, "two");
        s.spawn(ex, end_by_stop, begun, "");
        s.spawn(tell(begun, gate, 3, 2));
        co_await s.join();
    };
    const auto texts = sync_wait(failures_of(in_scope(this->under_test)));
    EXPECT_EQ(texts, (std::vector<std::string>{"one", "two"}));
}

TYPED_TEST_P(errors_conformance, with_scope_keeps_failures_after_that_of_its_body) {
    using namespace error_tasks;
    const auto failing_body = [](executor ex) -> task<void> {
        channel<int> begun{ex, 4};
        channel<int> gate{ex, 4};
        const auto in_scope = [&](scope& s) -> task<void> {
            s.spawn(ex, fail_when_told, begun, gate, "child");
            s.spawn(ex, end_by_stop, begun, "");
            co_await tell(begun, gate, 2, 0);
            co_await gate.send(1);
            throw std::runtime_error("body");
        };
        co_await with_scope(in_scope);
    };
    const auto texts = sync_wait(failures_of(failing_body(this->under_test)));
    EXPECT_EQ(texts, (std::vector<std::string>{"body", "child"}));
}

TYPED_TEST_P(errors_conformance, a_map_keeps_failures_after_that_of_the_lowest_index) {
    using namespace error_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<int> begun{ex, 4};
        channel<int> gate{ex, 4};
        const std::vector<std::string> items{"a", "b", "c"};
        const auto fails = bind_portable(fail_when_told, begun, gate);
        auto mapping = [](executor on_it, auto f, std::vector<std::string> over) -> task<int> {
            (void)co_await map(on_it, f, over);
            co_return 0;
        };
        auto both = [&]() -> task<int> {
            (void)co_await when_all(mapping(ex, fails, items), tell(begun, gate, 3, 3));
            co_return 0;
        };
        const auto texts = co_await failures_of(both());
        EXPECT_EQ(texts, (std::vector<std::string>{"a", "b", "c"}));
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(errors_conformance, they_arrive_from_a_task_of_the_executor) {
    using namespace error_tasks;
    const auto texts = sync_wait(failures_of(on(this->under_test, fail_twice, "one", "two")));
    EXPECT_EQ(texts, (std::vector<std::string>{"one", "two"}));
    const auto of_item = sync_wait(
        failures_of(map(this->under_test, bind_portable(fail_twice, "one"), std::vector<std::string>{"two"})));
    EXPECT_EQ(of_item, (std::vector<std::string>{"one", "two"}));
}

TYPED_TEST_P(errors_conformance, a_single_failure_has_none) {
    using namespace error_tasks;
    EXPECT_EQ(sync_wait(failures_of(on(this->under_test, fail_at_once, "one"))), std::vector<std::string>{"one"});
}

TYPED_TEST_P(errors_conformance, a_limit_reaches_nested_calls) {
    using namespace error_tasks;
    EXPECT_THROW((void)sync_wait(timeout(std::chrono::milliseconds(20),
                                         on(this->under_test, sleep_in_a_nested_call, this->under_test))),
                 timed_out);
}

REGISTER_TYPED_TEST_SUITE_P(errors_conformance, when_all_keeps_later_failures, a_scope_keeps_later_failures,
                            with_scope_keeps_failures_after_that_of_its_body,
                            a_map_keeps_failures_after_that_of_the_lowest_index,
                            they_arrive_from_a_task_of_the_executor, a_single_failure_has_none,
                            a_limit_reaches_nested_calls);

}  // namespace cadre::conformance
