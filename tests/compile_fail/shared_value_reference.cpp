// expect: cadre::shared_value<T>: T must be a value, no reference, function or void
// expect: cadre::shared_array<T>: T must be a value, no reference, function or void

#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>

void make(const cadre::executor& ex, int n) {
    cadre::shared_value<int&> v{ex, n};
    cadre::shared_array<int&> a{ex, 3};
}
