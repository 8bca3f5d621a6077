// A guard that nobody keeps unlocks at once. g++ 12 has no such warning for the result of a co_await.
// only: Clang
// flags: -Werror=unused-value
// expect: ignoring return value of type 'guard'
// expect: ignoring return value of type 'basic_guard<cadre::detail::lock_mode::shared>'
// expect: ignoring return value of type 'value_guard<int>'
// expect: ignoring return value of type 'array_guard<int>'

#include <cadre/cadre.hpp>

cadre::task<> change(cadre::async_mutex m) { co_await m.lock(); }
cadre::task<> read(cadre::async_shared_mutex m) { co_await m.lock_shared(); }
cadre::task<> count(cadre::shared_value<int> v) { co_await v.lock(); }
cadre::task<> fill(cadre::shared_array<int> a) { co_await a.lock(); }
