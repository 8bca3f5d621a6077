// A function of a view that does not take the elements of the stream.
// expect: cadre::views::transform: the function cannot be called with an element of the stream

#include <string>
#include <vector>

#include <cadre/cadre.hpp>

cadre::task<> app(std::vector<int> numbers) {
    auto sizes = numbers | cadre::views::transform([](const std::string& text) { return text.size(); });
    while (auto size = co_await sizes.next()) {
    }
}
