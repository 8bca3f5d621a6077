// expect: use bind_portable(f, args...), or an aggregate with operator()

#include <cadre/bind_portable.hpp>

auto bind_scaled(int factor) {
    return cadre::bind_portable([factor](int x) { return factor * x; });
}
