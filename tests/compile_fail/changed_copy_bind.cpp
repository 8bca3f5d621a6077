// expect: not portable: the function takes a reference that is not const, but gets a copy, so its changes would be lost

#include <cadre/cadre.hpp>

void add(std::vector<int>& v, int n) { v.push_back(n); }

auto bound = cadre::bind_portable(add, std::vector<int>{});
