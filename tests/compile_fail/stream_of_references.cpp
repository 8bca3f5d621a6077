// expect: cadre::stream<T>: T must be a value; yield a pointer or a std::reference_wrapper, not a reference

#include <cadre/cadre.hpp>

#include <vector>

cadre::stream<int&> each(std::vector<int>& all) {
    for (int& one : all)
        co_yield one;
}

cadre::task<> app(std::vector<int>& all) {
    auto s = each(all);
    while (auto one = co_await s.next())
        ++*one;
}
