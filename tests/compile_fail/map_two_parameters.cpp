// A function of two parameters over single items.
// expect: the function can be called neither with an item of the range nor with the parts of a tuple item

#include <cadre/cadre.hpp>

int add(int a, int b) { return a + b; }

cadre::task<> app(cadre::executor ex) { auto all = co_await cadre::map(ex, add, {1, 2, 3}); }
