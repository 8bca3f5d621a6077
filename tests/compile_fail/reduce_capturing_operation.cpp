// expect: a capturing lambda

#include <ranges>

#include <cadre/reduce.hpp>

int same(int x) { return x; }
auto task_of(cadre::executor ex, int factor) {
    return cadre::reduce(ex, same, [factor](int a, int b) { return a + factor * b; }, std::views::iota(0, 9), 0);
}
