// expect: not portable: the function takes a reference that is not const, but gets a copy, so its changes would be lost

#include <cadre/cadre.hpp>

void fill(std::vector<int>& v, int n) { v.push_back(n); }

void start(cadre::executor ex) { auto j = cadre::spawn(ex, fill, std::vector<int>{}, 1); }
