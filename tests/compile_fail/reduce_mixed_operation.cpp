// expect: reduce: a parameter of op is narrower than the type of init: the conversion could lose part of a value

#include <ranges>

#include <cadre/reduce.hpp>

int same(int x) { return x; }
long add(long sum, int x) { return sum + x; }
auto task_of(cadre::executor ex) { return cadre::reduce(ex, same, add, std::views::iota(0, 9), 0L); }
