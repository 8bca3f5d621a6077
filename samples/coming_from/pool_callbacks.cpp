// A pool, asynchronous calls, and code that runs for each result and for each error: what follows the co_await.

#include <iostream>
#include <set>
#include <stdexcept>

#include <cadre/cadre.hpp>

std::multiset<int> quotients;
std::multiset<std::string> failures;

int divide(int a, int b) {
    if (b == 0) throw std::domain_error("integer division or modulo by zero");
    return a / b;
}

cadre::task<void> call(cadre::executor ex, int b) {
    try {
        quotients.insert(co_await cadre::on(ex, divide, 12, b));  // on the main task's thread: no lock
    } catch (const std::domain_error& error) {
        failures.insert(error.what());
    }
}

cadre::task<void> app(cadre::executor ex) {
    cadre::scope calls;
    for (int b = 0; b != 5; ++b)
        calls.spawn(call(ex, b));
    co_await calls.join();
    std::cout << "quotients:";
    for (const int quotient : quotients)
        std::cout << ' ' << quotient;
    std::cout << "\nfailures: " << *failures.begin() << '\n';
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
