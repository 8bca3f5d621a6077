// Items that can only be moved, of a range that is not owned, beside another range.
// expect: the items of the range can only be moved, but the map does not own the range; pass it with std::move

#include <cadre/map.hpp>

#include <memory>
#include <vector>

int sum(std::unique_ptr<int> a, int b) { return *a + b; }

auto start(const cadre::executor& ex, std::vector<std::unique_ptr<int>>& left, const std::vector<int>& right) {
    return cadre::map(ex, sum, left, right);
}
