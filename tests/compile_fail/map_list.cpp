// A list of items needs no container.

#include <cadre/cadre.hpp>

int twice(int n) { return 2 * n; }
std::size_t length(std::string s) { return s.size(); }

cadre::task<> app(cadre::executor ex) {
    std::vector<int> all = co_await cadre::map(ex, twice, {1, 2, 3});
    std::vector<std::size_t> sizes =
        co_await cadre::map(ex, length, {std::string("a"), std::string("b")}, {.chunk = 1});
    auto outcomes = co_await cadre::map_outcomes(ex, twice, {1, 2, 3});
}
