// The result of the main task is no exit status.
// expect: cadre::run_main: the result of the task is the exit status of the program

#include <cadre/cadre.hpp>

cadre::task<std::string> app(cadre::executor) { co_return "done"; }

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
