// nested_errors: what is kept beside an exception lives as long as the exception, which stays the object that was
// thrown.
#include <cadre/nested_errors.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <typeinfo>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>

namespace {

using cadre::nested_errors;
using cadre::detail::add_nested_error;

template <class E>
std::exception_ptr thrown(E e) {
    try {
        throw e;
    } catch (...) {
        return std::current_exception();
    }
}

/// Notes the end of its last copy.
struct witness : std::runtime_error {
    explicit witness(std::weak_ptr<int>& seen) : std::runtime_error("witness") { seen = alive; }
    std::shared_ptr<int> alive = std::make_shared<int>(0);
};

TEST(nested_errors, are_in_the_order_in_which_they_were_added) {
    const auto first = thrown(std::runtime_error("first"));
    const auto second = thrown(std::logic_error("second"));
    const auto third = std::make_exception_ptr(3);
    add_nested_error(first, second);
    add_nested_error(first, third);
    EXPECT_EQ(nested_errors(first), (std::vector{second, third}));
    EXPECT_TRUE(nested_errors(second).empty());
    EXPECT_TRUE(nested_errors(std::exception_ptr()).empty());
}

TEST(nested_errors, leave_the_exception_what_it_was) {
    const auto first = thrown(std::out_of_range("first"));
    add_nested_error(first, thrown(std::runtime_error("second")));
    try {
        std::rethrow_exception(first);
    } catch (const std::runtime_error&) {
        FAIL() << "of another type";
    } catch (const std::exception& e) {
        EXPECT_EQ(typeid(e), typeid(std::out_of_range));
        EXPECT_STREQ(e.what(), "first");
        EXPECT_EQ(nested_errors(e).size(), 1u);
        const std::out_of_range copy = dynamic_cast<const std::out_of_range&>(e);
        EXPECT_TRUE(nested_errors(copy).empty());
    }
}

TEST(nested_errors, may_be_added_to_objects_without_a_destructor) {
    const auto first = thrown(1);
    add_nested_error(first, thrown(2));
    EXPECT_EQ(nested_errors(first).size(), 1u);
}

TEST(nested_errors, end_with_the_exception) {
    std::weak_ptr<int> outer;
    std::weak_ptr<int> inner;
    auto first = thrown(witness(outer));
    add_nested_error(first, thrown(witness(inner)));
    EXPECT_FALSE(outer.expired());
    EXPECT_FALSE(inner.expired());
    auto copy = first;
    first = nullptr;
    EXPECT_FALSE(inner.expired());
    copy = nullptr;
    EXPECT_TRUE(outer.expired());
    EXPECT_TRUE(inner.expired());
}

TEST(nested_errors, of_an_ended_exception_are_not_those_of_the_next_at_its_address) {
    for (int i = 0; i < 100; ++i) {
        const auto first = thrown(std::runtime_error("first"));
        EXPECT_TRUE(nested_errors(first).empty());
        add_nested_error(first, thrown(std::runtime_error("second")));
    }
}

TEST(nested_errors, are_neither_cancelled_nor_the_exception_itself_nor_there_twice) {
    const auto first = thrown(std::runtime_error("first"));
    const auto second = thrown(std::runtime_error("second"));
    add_nested_error(first, thrown(cadre::cancelled()));
    add_nested_error(first, first);
    add_nested_error(first, nullptr);
    add_nested_error(nullptr, first);
    add_nested_error(first, second);
    add_nested_error(first, second);
    EXPECT_EQ(nested_errors(first), std::vector{second});
}

TEST(nested_errors, make_no_circle) {
    std::weak_ptr<int> seen;
    {
        const auto a = thrown(witness(seen));
        const auto b = thrown(std::runtime_error("b"));
        const auto c = thrown(std::runtime_error("c"));
        add_nested_error(a, b);
        add_nested_error(b, c);
        add_nested_error(c, a);
        EXPECT_TRUE(nested_errors(c).empty());
    }
    EXPECT_TRUE(seen.expired());
}

TEST(nested_errors, are_kept_up_to_a_limit) {
    const auto first = thrown(std::runtime_error("first"));
    for (int i = 0; i < 1000; ++i)
        add_nested_error(first, thrown(i));
    EXPECT_EQ(nested_errors(first).size(), 64u);
}

TEST(nested_errors, may_be_added_from_several_threads) {
    const auto first = thrown(std::runtime_error("first"));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&first, t] {
            for (int i = 0; i < 10; ++i)
                add_nested_error(first, thrown(t * 10 + i));
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(nested_errors(first).size(), 40u);
}

}  // namespace
