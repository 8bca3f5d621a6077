// Elements that are pointers.
// expect: T must be a trivially copyable type without pointers, references or views

#include <cadre/shared_array.hpp>

void make(const cadre::executor& ex) { cadre::shared_array<const char*> a{ex, 3}; }
