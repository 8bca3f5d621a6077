// A size that is not an integer.
// expect: the second argument is the number of elements, a braced list of elements or a range

#include <cadre/shared_array.hpp>

void make(const cadre::executor& ex) { cadre::shared_array<int> a{ex, 2.5}; }
