// The call is made here, and its task is given where the function belongs.
// expect: a task (or another coroutine object) is given where a function belongs: write spawn(ex, f, 3), not spawn(ex,
// f(3))

#include <cadre/cadre.hpp>

cadre::task<int> twice(int n) { co_return 2 * n; }

cadre::task<> app(cadre::thread_executor ex) { (void)co_await cadre::on(ex, twice(3)); }
