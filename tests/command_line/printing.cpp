// The main task and its calls print in turn, each waiting for the other: by lines, by parts of lines, by both
// interfaces.

#include <cadre/cadre.hpp>

#include <cstdio>
#include <iostream>

namespace {

int print_line(int n) {
    std::cout << n << '\n';
    return n;
}
int print_part(int n) {
    std::printf("%d", n);
    return n;
}
int print_unsynchronised(int n) {
    std::ios::sync_with_stdio(false);
    std::cout << n << '\n';
    return n;
}

cadre::task<int> app(cadre::executor ex) {
    co_await cadre::on(ex, print_line, 0);
    std::cout << 1 << std::endl;
    co_await cadre::on(ex, print_part, 2);
    std::cout << ',' << 3 << std::endl;
    co_await cadre::on(ex, print_line, 4);
    std::cout << 5 << std::endl;
    if (ex.kind() == cadre::executor_kind::process)   // in this process it would change the output that follows
        co_await cadre::on(ex, print_unsynchronised, 6);
    else
        co_await cadre::on(ex, print_line, 6);
    std::cout << 7 << std::endl;
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
