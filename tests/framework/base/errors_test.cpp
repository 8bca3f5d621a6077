// The classes of errors: their bases, and what they print.
#include <cadre/errors.hpp>

#include <concepts>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace cadre;

static_assert(std::derived_from<error, std::runtime_error>);
static_assert(std::derived_from<worker_error, error> && std::derived_from<overloaded, error>);
static_assert(std::derived_from<worker_crashed, worker_error> && std::derived_from<worker_lost, worker_error> &&
              std::derived_from<task_killed, worker_error>);
static_assert(!std::derived_from<timed_out, worker_error> && !std::derived_from<executor_stopped, worker_error>);

TEST(errors, worker_error_catches_every_end_of_a_worker) {
    const std::vector<std::exception_ptr> all{
        std::make_exception_ptr(worker_crashed("crashed", worker_death{.pid = 1})),
        std::make_exception_ptr(worker_lost("lost", 2, "name")),
        std::make_exception_ptr(task_killed("killed", kill_reason::shutdown, 3))};
    pid_t pid = 0;
    for (const std::exception_ptr& e : all) {
        try {
            std::rethrow_exception(e);
        } catch (const worker_error& w) {
            EXPECT_EQ(w.pid(), ++pid);
        }
    }
    EXPECT_EQ(pid, 3);
}

TEST(errors, overloaded_is_an_error_of_its_own) {
    EXPECT_THROW(throw overloaded("full"), error);
    EXPECT_STREQ(overloaded("full").what(), "full");
}

std::string printed(kill_reason reason) {
    std::ostringstream out;
    out << task_killed("text", reason, 1).reason();
    return out.str();
}

TEST(errors, the_reason_of_a_kill_is_printed_in_words) {
    EXPECT_EQ(printed(kill_reason::time_limit), "time limit");
    EXPECT_EQ(printed(kill_reason::memory_limit), "memory limit");
    EXPECT_EQ(printed(kill_reason::shutdown), "shutdown");
    EXPECT_EQ(printed(kill_reason::requested), "requested");
    EXPECT_STREQ(to_string(static_cast<kill_reason>(99)), "unknown");
}

}  // namespace
