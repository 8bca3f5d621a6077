// Ctrl-C ends the work of an executor in order.

#include <chrono>
#include <csignal>
#include <iostream>

#include <cadre/cadre.hpp>

cadre::task<void> work(cadre::channel<int> started, int number) {
    co_await started.send(number);
    co_await cadre::sleep_for(std::chrono::hours(1));
}

cadre::task<int> app(cadre::executor ex) {
    const cadre::channel<int> started{ex, 2};
    cadre::scope calls;
    for (int number = 0; number != 2; ++number)
        calls.spawn(ex, work, started, number);
    for (int i = 0; i != 2; ++i)
        (void)co_await started.receive();
    std::cout << "working" << std::endl;
    std::raise(SIGINT);  // stands for Ctrl-C
    try {
        co_await calls.join();
    } catch (const cadre::cancelled&) {
        std::cout << "interrupted\n";
    }
    co_return 0;
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
