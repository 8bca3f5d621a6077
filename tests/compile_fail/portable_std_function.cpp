// expect: not portable: std::function hides what it holds; pass a function, a captureless lambda or bind_portable(f,
// args...)

#include <cadre/bind_portable.hpp>

#include <functional>

auto bind_function(std::function<int(int)> f) { return cadre::bind_portable(f, 1); }
