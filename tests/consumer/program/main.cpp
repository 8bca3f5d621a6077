// The first program of the documentation, built outside this repository.

#include <cadre/cadre.hpp>

#include <cstdint>
#include <iostream>
#include <ranges>

std::uint64_t square(std::uint64_t x) { return x * x; }

cadre::task<int> app(cadre::executor ex) {
    auto one = co_await cadre::on(ex, square, 7u);
    auto many = co_await cadre::map(ex, square, std::views::iota(0u, 10u));
    std::cout << one << ' ' << many.size() << '\n';
    co_return 0;
}

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    return rt.run(app(rt.executor()));
}
