// A pointer is meaningless to a receiver in another process.
// expect: not portable: a pointer means nothing in another process

#include <cadre/channel.hpp>

void make(const cadre::executor& ex) { cadre::channel<int*> c{ex, 1}; }
