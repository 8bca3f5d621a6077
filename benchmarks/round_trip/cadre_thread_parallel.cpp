// The caller at home on the pool that it calls: no thread changes hands.

#include "round_trip/cadre.hpp"

int main() {
    cadre::runtime rt(cadre::config{.executor = "thread:1"});
    return rt.run_parallel(round_trip::run(rt.executor()));
}
