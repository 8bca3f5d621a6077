// The main task instead of the main function.
// expect: cadre::run_main takes a coroutine function itself, not its result

#include <cadre/cadre.hpp>

cadre::task<int> app() { co_return 0; }

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app()); }
