// expect: not portable: the function takes a reference that is not const, but gets a copy, so its changes would be lost

#include <cadre/cadre.hpp>

void twice(int& x) { x *= 2; }

cadre::task<> app(cadre::executor ex, std::vector<int> v) { co_await cadre::map(ex, twice, v); }
