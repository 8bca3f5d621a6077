// A main function that is no coroutine.
// expect: cadre::runtime::run takes a cadre::task, or a coroutine function that returns one

#include <cadre/cadre.hpp>

int app(cadre::executor) { return 0; }

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    return rt.run(app);
}
