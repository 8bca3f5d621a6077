// An initial value that does not convert to T.
// expect: the initial value does not convert to T

#include <cadre/shared_value.hpp>

void make(const cadre::executor& ex) { cadre::shared_value<int> v{ex, "x"}; }
