// The helper thread works on a copy.
// expect: cadre::run_blocking: the function takes a reference that is not const, but gets a copy

#include <vector>

#include <cadre/run_blocking.hpp>

void fill(std::vector<int>& numbers) { numbers.push_back(1); }

cadre::task<> app(std::vector<int> numbers) { co_await cadre::run_blocking(fill, numbers); }
