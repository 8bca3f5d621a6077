// What goes through a thread_executor by its own type does not go through the handle.
// expect: not portable: the members of a capturing lambda (or of a callable class with private state) cannot be reached

#include <cadre/cadre.hpp>

#include <vector>

auto accepted(const cadre::thread_executor& ex, const std::vector<int>& items, int factor) {
    return cadre::map(ex, [factor](int x) { return x * factor; }, items);
}

auto refused(const cadre::executor& ex, const std::vector<int>& items, int factor) {
    return cadre::map(ex, [factor](int x) { return x * factor; }, items);
}
