// expect: this object is not callable; pass a function, a captureless lambda, bind_portable(f, args...) or an aggregate
// with operator()

#include <cadre/bind_portable.hpp>

auto bound = cadre::bind_portable(3, 4);
