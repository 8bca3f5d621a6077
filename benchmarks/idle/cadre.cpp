#include "idle/parameters.hpp"

#include <cadre/cadre.hpp>

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        idle::measure(threads, [&](auto f) { cadre::sync_wait(cadre::on(ex, f)); });
    }
    return 0;
}
