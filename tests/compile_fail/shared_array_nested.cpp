// A two-dimensional array from nested lists.
// expect: a nested list of elements is not an initialiser

#include <cadre/shared_array.hpp>

void make(const cadre::executor& ex) { cadre::shared_array<int, 2> a{ex, {{1, 2}, {3, 4}}}; }
