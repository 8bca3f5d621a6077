// A dictionary that all workers change, under the lock of the memory that it is in.

#include <cadre/cadre.hpp>
#include <cadre/shared_segment.hpp>
#include <iostream>

using letters = cadre::shared::map<char, int>;
const std::vector<std::string> texts{"the cat sat on the mat", "the dog sat on the log", "the cat and the dog"};

cadre::task<void> count(cadre::shared_segment memory, std::string text) {
    auto guard = co_await memory.lock();
    for (auto& counts = guard.find_or_construct<letters>("letters"); const char letter : text)
        ++counts[letter];
}

cadre::task<void> app(cadre::executor ex) {
    const cadre::shared_segment memory{ex, 1 << 20};
    co_await cadre::map(ex, cadre::bind_portable(count, memory), texts);
    const auto guard = co_await memory.lock_shared();
    for (const auto& [letter, times] : *guard.find<letters>("letters"))
        std::cout << letter << ' ' << times << '\n';
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
