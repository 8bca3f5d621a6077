// expect: co_yield: the value does not convert to the element type T of the cadre::stream<T>

#include <cadre/stream.hpp>

cadre::stream<int> numbers() { co_yield "text"; }
