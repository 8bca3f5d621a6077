// A connection in both directions between the program and a worker: a channel each way.

#include <algorithm>
#include <iostream>

#include <cadre/cadre.hpp>

cadre::task<void> serve(cadre::channel<std::string> requests, cadre::channel<std::string> answers) {
    while (auto request = co_await requests.receive()) {
        std::ranges::transform(*request, request->begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
        co_await answers.send(std::move(*request));
    }
}

cadre::task<void> app(cadre::executor ex) {
    const cadre::channel<std::string> requests{ex, 1}, answers{ex, 1};
    auto server = cadre::spawn(ex, serve, requests, answers);
    for (const char* word : {"one", "two", "three"}) {
        co_await requests.send(word);
        std::cout << *co_await answers.receive() << '\n';
    }
    requests.close();
    co_await server;
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
