// expect: a lambda that begins with [=] or [&] counts as capturing even if it captures nothing; write []

#include <cadre/bind_portable.hpp>

auto bind_nothing() {
    return cadre::bind_portable([=](int x) { return x; });
}
