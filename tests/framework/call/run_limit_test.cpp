// The limit of one run of work: what it stops, and which error it makes.
#include <cadre/detail/call/run_limit.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/errors.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::detail::environment;
using cadre::detail::run_limit;
using cadre::detail::stop_reason;
using cadre::detail::stop_state;

const std::exception_ptr stopped = std::make_exception_ptr(cadre::cancelled{});

struct limited_run {
    stop_state outer;
    environment env;
    run_limit limit;

    explicit limited_run(std::chrono::nanoseconds d) : limit(d) {
        env.stop = &outer;
        limit.begin(env);
    }
    void wait_for_stop() const {
        while (!env.stop->stop_requested())
            std::this_thread::yield();
    }
    std::exception_ptr end(const std::exception_ptr& error) { return limit.end(env, error, "job", {}); }
};

std::string text_of(const std::exception_ptr& error) {
    try {
        if (error != nullptr) std::rethrow_exception(error);
    } catch (const cadre::timed_out& e) {
        return e.what();
    } catch (const std::exception&) {
        return "another error";
    }
    return "none";
}

TEST(run_limit, of_zero_is_none) {
    limited_run r(0s);
    EXPECT_FALSE(r.limit.active());
    EXPECT_EQ(r.env.stop, &r.outer);
    EXPECT_EQ(r.end(stopped), stopped);
}

TEST(run_limit, stops_the_work_alone_and_names_it) {
    limited_run r(1ms);
    EXPECT_TRUE(r.limit.active());
    r.wait_for_stop();
    EXPECT_EQ(r.env.stop->reason(), stop_reason::deadline);
    EXPECT_FALSE(r.outer.stop_requested());
    EXPECT_EQ(text_of(r.end(stopped)), "timed out after 1 ms: task 'job'");
    EXPECT_EQ(r.env.stop, &r.outer);
}

TEST(run_limit, keeps_values_and_errors_of_the_work) {
    limited_run value(1ms);
    value.wait_for_stop();
    EXPECT_EQ(value.end(nullptr), nullptr);
    limited_run failed(1ms);
    failed.wait_for_stop();
    const auto own = std::make_exception_ptr(std::domain_error("own"));
    EXPECT_EQ(failed.end(own), own);
}

TEST(run_limit, a_stop_from_outside_is_no_timeout) {
    limited_run early(1h);
    early.outer.request_stop(stop_reason::requested);
    EXPECT_TRUE(early.env.stop->stop_requested());
    EXPECT_EQ(early.end(stopped), stopped);
    limited_run both(1ms);
    both.wait_for_stop();
    both.outer.request_stop(stop_reason::requested);
    EXPECT_EQ(both.end(stopped), stopped);
}

}  // namespace
