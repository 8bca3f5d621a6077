// expect: reduce: op combines two values of the type of init into one, because chunks are combined in parallel

#include <ranges>
#include <string>

#include <cadre/reduce.hpp>

int same(int x) { return x; }
std::string append(std::string text, int x) { return text + std::to_string(x); }
auto task_of(cadre::executor ex) { return cadre::reduce(ex, same, append, std::views::iota(0, 9), std::string()); }
