// A main function that is no coroutine.
// expect: cadre::run_main takes a coroutine function itself, not its result

#include <cadre/cadre.hpp>

int app(cadre::executor) { return 0; }

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
