// A generic lambda that takes its argument by reference.
// expect: not portable: the function takes a reference that is not const, but gets a copy, so its changes would be lost

#include <cadre/cadre.hpp>

cadre::task<> app(cadre::executor ex) {
    co_await cadre::on(ex, [](auto& v) { v.push_back(1); }, std::vector<int>{});
}
