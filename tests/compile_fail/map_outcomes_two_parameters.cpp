// expect: the function can be called neither with an item of the range nor with the parts of a tuple item

#include <cadre/cadre.hpp>

int add(int a, int b) { return a + b; }

cadre::task<> app(cadre::executor ex, std::vector<int> v) { auto all = co_await cadre::map_outcomes(ex, add, v); }
