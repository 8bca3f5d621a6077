// expect: cadre::this_worker::local<T>(args...): T(args...) makes no T

#include <string>

#include <cadre/this_worker.hpp>

std::string& text() { return cadre::this_worker::local<std::string>(1, 2, 3, 4); }
