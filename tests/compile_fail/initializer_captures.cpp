// An initializer runs in each worker process.
// expect: the members of a capturing lambda

#include <cadre/cadre.hpp>

void start(int n) {
    cadre::process_executor ex{{.workers = 1, .initializer = [n] { static_cast<void>(n); }}};
}
