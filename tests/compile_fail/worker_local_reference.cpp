// A value of each worker is made there: a reference would refer to one for all.
// expect: cadre::this_worker::local<T>: T must be a value, no reference, array or void

#include <cadre/this_worker.hpp>

int& counter() { return cadre::this_worker::local<int&>(0); }
