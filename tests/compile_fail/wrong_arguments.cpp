// expect: the function cannot be called with these arguments (converted to its parameter types)

#include <cadre/cadre.hpp>

int add(int a, int b) { return a + b; }

cadre::task<int> app(cadre::executor ex) { co_return co_await cadre::on(ex, add, 1); }
