// Waiting for many downloads in one loop, at most four at a time, and computing on the executor.

#include <chrono>
#include <iostream>

#include <cadre/cadre.hpp>

cadre::task<std::string> fetch(std::string name) {
    co_await cadre::sleep_for(std::chrono::milliseconds(10));  // stands for a download
    std::string text;
    for (int i = 0; i != 1000; ++i)
        text += name;
    co_return text;
}

std::uint32_t digest(std::string_view text) {
    std::uint32_t value = 0;
    for (const char letter : text)
        value = value * 31 + static_cast<unsigned char>(letter);
    return value;
}

cadre::task<std::uint32_t> handle(cadre::executor ex, cadre::async_semaphore limit, std::string name) {
    auto permit = co_await limit.acquire();
    const std::string text = co_await fetch(name);
    permit.give_back();
    co_return co_await cadre::on(ex, digest, text);
}

cadre::task<void> app(cadre::executor ex) {
    const cadre::async_semaphore limit{ex, 4};
    std::vector<cadre::task<std::uint32_t>> pages;
    for (int i = 0; i != 12; ++i)
        pages.push_back(handle(ex, limit, "page" + std::to_string(i)));
    const auto digests = co_await cadre::when_all(std::move(pages));
    for (std::size_t i = 0; i != digests.size(); ++i)
        std::cout << "page" << i << ' ' << digests[i] << '\n';
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
