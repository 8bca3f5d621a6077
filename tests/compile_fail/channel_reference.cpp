// A channel of references.
// expect: T must be a plain value type

#include <cadre/channel.hpp>

void make(const cadre::executor& ex) { cadre::channel<const int> c{ex, 1}; }
