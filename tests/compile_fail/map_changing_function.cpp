// A function that changes itself and cannot be copied, which several workers would call at a time.
// expect: the function cannot be called with these arguments (converted to its parameter types)
// names: const

#include <cadre/cadre.hpp>

#include <memory>
#include <vector>

auto start(const cadre::thread_executor& ex, const std::vector<int>& items) {
    return cadre::map(ex, [n = std::make_unique<int>(0)](int x) mutable { return x + ++*n; }, items);
}
