// Workers wait for the start, then compute in steps; none begins a step before all have ended the one before.

#include <iostream>

#include <cadre/cadre.hpp>

cadre::task<void> work(std::size_t index, cadre::async_event start, cadre::async_barrier barrier,
                       cadre::shared_array<int> cells) {
    co_await start.wait();
    for (int step = 0; step != 4; ++step) {
        const int total = cells[index] + cells[(index + 1) % cells.size()];
        co_await barrier.arrive_and_wait();  // all have read
        cells[index] = total;
        co_await barrier.arrive_and_wait();  // all have written
    }
}

cadre::task<void> app(cadre::executor ex) {
    const cadre::shared_array<int> cells{ex, {1, 2, 3}};
    const cadre::async_event start{ex};
    const cadre::async_barrier barrier{ex, cells.size()};
    cadre::scope workers;
    for (std::size_t index = 0; index != cells.size(); ++index)
        workers.spawn(ex, work, index, start, barrier, cells);
    start.set();
    co_await workers.join();
    std::cout << cells[0] << ' ' << cells[1] << ' ' << cells[2] << '\n';
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
