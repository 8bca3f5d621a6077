// The caller on the thread in `run`, the called function on the pool's thread.

#include "round_trip/cadre.hpp"

int main() {
    cadre::runtime rt(cadre::config{.executor = "thread:1"});
    return rt.run(round_trip::run(rt.executor()));
}
