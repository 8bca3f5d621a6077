// expect: not portable: std::reference_wrapper refers to memory of another process; pass the value itself

#include <cadre/bind_portable.hpp>

#include <functional>

void count(std::reference_wrapper<int> counter) { ++counter; }
int counter = 0;

auto bound = cadre::bind_portable(count, std::ref(counter));
