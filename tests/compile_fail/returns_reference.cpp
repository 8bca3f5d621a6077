// expect: not portable: the function returns a reference, which would refer to memory of another process; return by
// value

#include <cadre/cadre.hpp>

int& same() {
    static int x = 0;
    return x;
}

cadre::task<> app(cadre::executor ex) { auto x = co_await cadre::on(ex, same); }
