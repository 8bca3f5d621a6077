// Through an executor a function changes a copy.
// expect: not portable: the function takes a reference that is not const, but gets a copy, so its changes would be lost

#include <cadre/cadre.hpp>

void fill(std::vector<int>& v) { v.push_back(1); }

cadre::task<> app(cadre::executor ex) { co_await cadre::on(ex, fill, std::vector<int>{}); }
