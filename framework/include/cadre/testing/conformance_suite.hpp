/// @file
/// The fixture of the conformance suite: where the body of a test runs. Include `conformance.hpp`.
#pragma once

#include <gtest/gtest.h>

#include <cadre/detail/task/block_on.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>

namespace cadre::conformance {

/// A test is a coroutine whose argument is a new executor.
using body = task<void> (*)(executor);

/// `Traits` creates the executors: `static cadre::executor make();` returns a new one at each call. With
/// `static constexpr bool only_at_home = true;` a test whose task may be at home on the executor is not run from
/// outside as well.
template <class Traits>
class executor_conformance : public ::testing::Test {
protected:
    /// Runs the test from the loop of a thread that waits for the executor and, if the executor is local, also as a
    /// task at home on it.
    static void run(body test) {
        if constexpr (!requires { requires Traits::only_at_home; }) run_outside(test);
        const executor ex = Traits::make();
        if (ex.backend()->remote()) return;
        SCOPED_TRACE("at home on " + ex.name());
        detail::block_on(ex.backend(), nullptr, test(ex));
    }
    /// Only from a loop outside the executor.
    static void run_outside(body test) {
        const executor ex = Traits::make();
        SCOPED_TRACE("from outside " + ex.name());
        try {
            sync_wait(test(ex));
        } catch (const not_portable& e) {
            // An executor without memory for shared objects passes the tests that need none.
            if (!ex.backend()->remote() || ex.backend()->domain() != nullptr) throw;
            GTEST_SKIP() << e.what();
        }
    }
};
TYPED_TEST_SUITE_P(executor_conformance);

/// Whether the tasks of `ex` share the memory of arrays: those of an executor of several hosts do not.
inline bool shares_arrays(const executor& ex) {
    try {
        static_cast<void>(shared_array<int>(ex, 1));
        return true;
    } catch (const not_portable&) {
        return false;
    }
}

/// Whether a function can compute on `ex` while the calling task continues: not on a serial loop, which runs on the
/// waiting thread, and not on a pool of one thread that is also the home of the caller.
inline task<bool> computes_concurrently(executor ex) {
    const executor here = co_await this_task::executor();
    co_return ex.kind() != executor_kind::serial && (ex.concurrency() > 1 || here != ex);
}

}  // namespace cadre::conformance
