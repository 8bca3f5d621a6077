// Operations that report a cancellation by a code of their own.
#include <cadre/asio.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <boost/asio/experimental/concurrent_channel.hpp>

#include <cadre/errors.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using boost::system::error_code;
using cadre::sync_wait;

struct library_category final : boost::system::error_category {
    [[nodiscard]] const char* name() const noexcept override { return "library"; }
    [[nodiscard]] std::string message(int) const override { return "given up"; }
};
const library_category library;

// An operation without a result that ends with `reported` when it is cancelled.
template <class Error>
auto ends_with(Error reported) {
    return asio::async_initiate<const cadre::use_task_t&, void(Error)>(
        [reported](auto handler) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            asio::get_associated_cancellation_slot(*shared).assign(
                [shared, reported](asio::cancellation_type) { std::move (*shared)(reported); });
        },
        use_task);
}

template <class Operation>
task<void> stopped(Operation operation) {
    std::stop_source stop;
    const auto request = [](std::stop_source& s) -> task<void> {
        s.request_stop();
        co_return;
    };
    co_await cadre::when_all(cadre::with_stop(stop.get_token(), std::move(operation)), request(stop));
}

TEST(cancellation_code, of_a_channel_is_cancelled) {
    sync_wait([]() -> task<void> {
        asio::experimental::concurrent_channel<void(error_code, int)> channel(
            cadre::asio_context(co_await cadre::this_task::executor()), 1);
        EXPECT_THROW(co_await cadre::timeout(1ms, channel.async_receive(use_task)), cadre::timed_out);
        EXPECT_THROW(co_await stopped(channel.async_receive(use_task)), cadre::cancelled);
        co_await channel.async_send(error_code(), 7, use_task);
        EXPECT_EQ(co_await cadre::timeout(10s, channel.async_receive(use_task)), 7);
        channel.cancel();  // without a stop request, the codes stay what they are
        channel.close();
        EXPECT_THROW((void)co_await channel.async_receive(use_task), boost::system::system_error);
    }());
}

TEST(cancellation_code, of_another_library_is_cancelled_and_says_so) {
    EXPECT_THROW(sync_wait(stopped(ends_with(error_code(1, boost::system::generic_category())))),
                 boost::system::system_error);
    EXPECT_THROW(sync_wait(stopped(ends_with(make_error_code(boost::system::errc::operation_canceled)))),
                 cadre::cancelled);
    try {
        sync_wait(stopped(ends_with(error_code(7, library))));
        ADD_FAILURE() << "nothing thrown";
    } catch (const cadre::cancelled& e) {
        EXPECT_STREQ(e.what(), "cancelled: stop was requested (the operation reported: given up)");
    }
}

TEST(cancellation_code, in_an_exception_is_cancelled) {
    const auto as_exception = [](auto error) { return ends_with(std::make_exception_ptr(error)); };
    EXPECT_THROW(sync_wait(stopped(as_exception(boost::system::system_error(error_code(7, library))))),
                 cadre::cancelled);
    EXPECT_THROW(sync_wait(stopped(as_exception(std::system_error(make_error_code(std::errc::operation_canceled))))),
                 cadre::cancelled);
    EXPECT_THROW(sync_wait(stopped(as_exception(std::out_of_range("seven")))), std::out_of_range);
}

TEST(cancellation_code, of_an_operation_that_failed_otherwise_stays) {
    EXPECT_THROW(sync_wait(stopped(ends_with(error_code(asio::error::connection_reset)))), boost::system::system_error);
    EXPECT_THROW(sync_wait(stopped(ends_with(error_code(asio::error::eof)))), boost::system::system_error);
}

}  // namespace
