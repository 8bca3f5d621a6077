// The last handle to an executor is dropped by the completion of one of its own calls.

#include "guard.hpp"
#include "support.hpp"

#include "common/deferred_destruction.hpp"

#include <cadre/channel.hpp>
#include <cadre/executors/thread.hpp>

#include <gtest/gtest.h>

#include <future>
#include <utility>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<int> signal_and_compute(cadre::channel<int> begun) {
    co_await begun.send(1);
    co_return compute_for(5ms);  // ignores a stop request
}

task<void> drop_everything_while_it_runs() {
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun(ex, 1);
    const auto job = cadre::spawn(ex, signal_and_compute, begun);
    (void)co_await begun.receive();
}

task<void> drop_handles(std::promise<void>* done) {
    for (int i = 0; i < 10; ++i) {
        co_await drop_everything_while_it_runs();
        co_await cadre::sleep_for(20ms);  // the call ends, most likely
    }
    if (done != nullptr) done->set_value();
}

TEST(process_shutdown, a_call_that_completes_in_a_poll_may_hold_the_last_handle) {
    const hang_guard guard;
    run(drop_handles, nullptr);
    EXPECT_TRUE(cadre::detail::wait_for_deferred_destruction(30s));
}

TEST(process_shutdown, a_call_that_completes_on_the_supervisor_may_hold_the_last_handle) {
    const hang_guard guard;
    const cadre::thread_executor pool{{.workers = 1}};
    std::promise<void> done;
    auto job = cadre::spawn(pool, drop_handles, &done);
    done.get_future().wait();  // no thread drives a loop until then
    run(wait_for<void>, std::move(job));
    EXPECT_TRUE(cadre::detail::wait_for_deferred_destruction(30s));
}

}  // namespace
