// expect: the function returns a stream or a generator, which would outlive the call; return the values

#include <cadre/cadre.hpp>

cadre::generator<int> numbers(int n) {
    for (int i = 0; i < n; ++i)
        co_yield i;
}

cadre::task<> app(cadre::thread_executor ex) { auto g = co_await cadre::on(ex, numbers, 3); }
