// expect: cadre::stream<T>: T must be a value; yield a pointer or a std::reference_wrapper, not a reference

#include <cadre/cadre.hpp>

cadre::stream<void> nothing() { co_await cadre::yield(); }
