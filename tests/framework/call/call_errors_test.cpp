// Which errors are deaths, which are repeated, and what add_origin changes.
#include <cadre/detail/call/call_errors.hpp>

#include <exception>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/register_exception.hpp>

namespace {

using namespace cadre;
using detail::add_origin;
using detail::is_retryable;
using detail::is_worker_death;

const std::exception_ptr crashed =
    std::make_exception_ptr(worker_crashed("crashed", worker_death{.pid = 5, .signal = 11, .task_name = "t"}));
const std::exception_ptr lost = std::make_exception_ptr(worker_lost("lost", 6, "t"));

std::exception_ptr killed(kill_reason why) { return std::make_exception_ptr(task_killed("killed", why, 7)); }

TEST(call_errors, deaths_of_workers) {
    EXPECT_TRUE(is_worker_death(crashed));
    EXPECT_TRUE(is_worker_death(lost));
    EXPECT_TRUE(is_worker_death(killed(kill_reason::time_limit)));
    for (const auto& other :
         {std::make_exception_ptr(cancelled{}), std::make_exception_ptr(timed_out{}),
          std::make_exception_ptr(executor_stopped{}), std::make_exception_ptr(std::runtime_error("own"))})
        EXPECT_FALSE(is_worker_death(other));
}

TEST(call_errors, retries_are_for_deaths_that_the_call_did_not_ask_for) {
    EXPECT_TRUE(is_retryable(crashed));
    EXPECT_TRUE(is_retryable(lost));
    EXPECT_TRUE(is_retryable(killed(kill_reason::memory_limit)));
    EXPECT_FALSE(is_retryable(killed(kill_reason::time_limit)));
    EXPECT_FALSE(is_retryable(killed(kill_reason::requested)));
    EXPECT_FALSE(is_retryable(killed(kill_reason::shutdown)));
    EXPECT_FALSE(is_retryable(std::make_exception_ptr(std::runtime_error("own"))));
    EXPECT_FALSE(is_retryable(std::make_exception_ptr(timed_out{})));
}

template <class Error>
std::string origin_after(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(add_origin(error, "task 'x'"));
    } catch (const Error& e) {
        return error_origin(e);
    } catch (const std::exception& e) {
        return std::string("another type: ") + e.what();
    }
}

TEST(call_errors, an_origin_keeps_the_type_and_names_the_worker) {
    EXPECT_EQ(origin_after<worker_crashed>(crashed), "worker (pid 5), task 'x'");
    EXPECT_EQ(origin_after<worker_lost>(lost), "worker (pid 6), task 'x'");
    EXPECT_EQ(origin_after<task_killed>(killed(kill_reason::memory_limit)), "worker (pid 7), task 'x'");
    EXPECT_EQ(origin_after<timed_out>(std::make_exception_ptr(timed_out{})), "task 'x'");
    try {
        std::rethrow_exception(add_origin(crashed, "task 'x'"));
    } catch (const worker_crashed& e) {
        EXPECT_STREQ(e.what(), "crashed");
        EXPECT_EQ(e.signal(), 11);
        EXPECT_EQ(e.task_name(), "t");
    }
}

TEST(call_errors, an_origin_from_elsewhere_is_extended) {
    const auto once = add_origin(crashed, "the first");
    EXPECT_EQ(origin_after<worker_crashed>(once), "worker (pid 5), the first, task 'x'");
}

TEST(call_errors, an_origin_is_added_to_nothing_else) {
    for (const auto& other : {std::make_exception_ptr(std::runtime_error("own")), std::make_exception_ptr(cancelled{})})
        EXPECT_EQ(add_origin(other, "where"), other);
}

}  // namespace
