// Three extents for two dimensions.
// expect: give one extent for each dimension

#include <cadre/shared_array.hpp>

void make(const cadre::executor& ex) { cadre::shared_array<int, 2> a{ex, {1, 2, 3}}; }
