// A function of one parameter over two ranges.
// expect: the function can be called neither with an item of the range nor with the parts of a tuple item

#include <cadre/map.hpp>

#include <vector>

int twice(int x) { return 2 * x; }

auto start(const cadre::executor& ex, const std::vector<int>& left, const std::vector<int>& right) {
    return cadre::map(ex, twice, left, right);
}
