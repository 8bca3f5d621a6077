// Rows of different lengths, in an array of one dimension.
// expect: a nested list of elements is not an initialiser

#include <cadre/shared_array.hpp>

void make(const cadre::executor& ex) { cadre::shared_array<int> a{ex, {{1, 2}, {3}}}; }
