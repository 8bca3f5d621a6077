// Arguments that no overload takes: one sentence for each call, and no list of candidates.
// expect: cadre::on(ex, f, args...) takes an executor, a function and its arguments; of a function that is overloaded
// expect: cadre::on(ex, f, args...) takes an executor
// expect: cadre::spawn(ex, f, args...) takes an executor, a function and its arguments; of a function that is
// expect: cadre::call(f, args...) takes a function and arguments with which it can be called; of a function that is
// expect: cadre::bind_portable(f, args...) takes a function
// expect: cadre::run_blocking(f, args...) takes a function
// expect: cadre::map(ex, f, range, options) takes an executor, a function, one or several ranges and options
// expect: cadre::map(ex, f, range, options) takes an executor, a function, one or several ranges and options
// expect: cadre::map_outcomes(ex, f, range, options) takes an executor
// expect: cadre::map_stream(ex, f, source, options) takes an executor, a function, a range or a stream
// expect: cadre::reduce(ex, f, op, range, init, options) takes an executor
// expect: cadre::as_completed(jobs) takes a std::vector of jobs
// expect: cadre::as_completed(jobs) takes a std::vector of jobs, as spawn returns them, with std::move
// expect: cadre::scope::spawn takes an awaitable, as a task; or a function
// expect: cadre::with_scope(f) takes a coroutine function with a parameter scope&

#include <functional>
#include <utility>
#include <vector>

#include <cadre/cadre.hpp>

int twice(int n) { return 2 * n; }
int pick(int n) { return n; }
double pick(double n) { return n; }
template <class T>
T same(T value) {
    return value;
}
cadre::task<int> later(int n) { co_return n; }

cadre::task<> app(cadre::executor ex, std::vector<int> items, std::vector<cadre::task<int>> tasks,
                  std::vector<cadre::job<int>> jobs, cadre::channel<int> ch) {
    int n = co_await cadre::on(ex, pick, 3);
    n += co_await cadre::on(twice, 3);
    auto job = cadre::spawn(ex, same, 3);
    n += co_await cadre::call(pick, 3);
    auto bound = cadre::bind_portable(pick, 3);
    n += co_await cadre::run_blocking(same, 3);
    auto results = co_await cadre::map(ex, pick, items);
    co_await cadre::map(ex, twice, 3);
    co_await cadre::map_outcomes(ex, items, twice);
    auto mapped = cadre::map_stream(ex, twice, ch);
    n += co_await cadre::reduce(ex, twice, std::plus<>{}, 0, items);
    auto completed = cadre::as_completed(std::move(tasks));
    auto of_lvalue = cadre::as_completed(jobs);
    cadre::scope s;
    s.spawn(3);
    co_await cadre::with_scope(twice);
}
