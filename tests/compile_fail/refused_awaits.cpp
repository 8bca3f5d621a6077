// Arguments that no overload takes, where awaitables are composed.
// expect: cadre::timeout(duration, awaitable) takes a duration, as 2s, and something that can be awaited
// expect: cadre::wait_for(duration, job) takes a duration, as 2s, and a job; for a task use timeout
// expect: cadre::retry(policy, f, args...) takes a retry_policy, a function and arguments
// expect: cadre::sync_wait(awaitable) takes something that can be awaited
// expect: cadre::select(operations...) takes operations that can be taken back
// expect: cadre::after(duration) takes a duration
// expect: cadre::when_all(awaitables...) takes awaitables
// expect: cadre::when_any(awaitables...) takes one or more awaitables
// expect: cadre::as_outcome(awaitable) takes something that can be awaited
// expect: cadre::shield(awaitable) takes something that can be awaited
// expect: cadre::with_stop(token, awaitable) takes a std::stop_token and something that can be awaited
// expect: cadre::sleep_for(duration) takes a duration
// expect: cadre::sleep_until(time) takes a time point
// expect: cadre::resume_on(ex) takes a serial_executor or a thread_executor

#include <chrono>
#include <utility>

#include <cadre/cadre.hpp>

using namespace std::chrono_literals;

cadre::task<int> later(int n) { co_return n; }

cadre::task<> app(cadre::executor ex, cadre::channel<int> ch, std::stop_source stop) {
    int n = co_await cadre::timeout(later(3), 2s);
    co_await cadre::wait_for(2s, later(3));
    n += co_await cadre::retry(later, cadre::retry_policy{}, 3);
    n += cadre::sync_wait(3);
    auto selected = co_await cadre::select(ch.receive(), later(3));
    auto wait = cadre::after(100);
    auto [a, b] = co_await cadre::when_all(later(3), later);
    auto first = co_await cadre::when_any(ch, later(3));
    auto outcome = co_await cadre::as_outcome(3);
    n += co_await cadre::shield(later);
    n += co_await cadre::with_stop(stop, later(3));
    co_await cadre::sleep_for(3);
    co_await cadre::sleep_until(3s);
    co_await cadre::resume_on(ex);
}
