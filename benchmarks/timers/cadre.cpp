#include "timers/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

cadre::task<void> sleep(timers::deadline when, double* late) {
    co_await cadre::sleep_until(when);
    *late = timers::microseconds_since(when);
}

cadre::task<void> sleep_all(timers::deadline begin, std::vector<double>* late) {
    cadre::scope sleepers;
    for (std::size_t i = 0; i != late->size(); ++i)
        sleepers.spawn(sleep(timers::wake_time(begin, i), &(*late)[i]));
    co_await sleepers.join();
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        timers::measure(threads, [&](timers::deadline begin, std::vector<double>& late) {
            cadre::sync_wait(cadre::on(ex, sleep_all, begin, &late));
        });
    }
    return 0;
}
