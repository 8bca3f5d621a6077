// A main function with parameters of its own.
// expect: cadre::runtime::run_parallel takes a cadre::task, or a coroutine function that returns one

#include <cadre/cadre.hpp>

cadre::task<int> app(int, char**) { co_return 0; }

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    return rt.run_parallel(app);
}
