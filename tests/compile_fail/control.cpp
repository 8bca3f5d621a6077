// The control: correct code must compile, or the other cases would prove nothing.

#include <cadre/cadre.hpp>

#include <string>
#include <vector>

std::string repeat(std::string text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

cadre::task<int> app(cadre::executor ex) {
    auto text = co_await cadre::on(ex, repeat, "ab", 3);
    auto half = co_await cadre::on(ex, [](std::vector<int> values) { return values.size() / 2; }, std::vector<int>(8));
    co_return static_cast<int>(text.size() + half);
}
