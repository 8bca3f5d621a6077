// A model that is expensive to load: each worker loads it once, when it first needs it.

#include <iostream>
#include <ranges>

#include <cadre/cadre.hpp>

struct model {
    explicit model(int size) {
        for (int i = 0; i != size; ++i)
            weights.push_back(i * i % 7);
    }
    int predict(int x) const {
        int sum = 0;
        for (const int weight : weights)
            sum += weight * x++;
        return sum % 100;
    }
    std::vector<int> weights;
};

int predict(int size, int x) { return cadre::this_worker::local<model>(size).predict(x); }

cadre::task<void> app(cadre::executor ex) {
    const auto predictions = co_await cadre::map(ex, cadre::bind_portable(predict, 1000), std::views::iota(0, 8));
    for (const char* separator = ""; const int p : predictions)
        std::cout << std::exchange(separator, " ") << p;
    std::cout << '\n';
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
