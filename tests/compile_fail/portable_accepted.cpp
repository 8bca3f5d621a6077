// The control: portable types must compile, or the other cases would prove nothing.

#include <cadre/bind_portable.hpp>

struct item {
    int id;
    std::string name;
    std::vector<item> parts;
};
std::size_t count(const item& i, std::string_view) { return i.parts.size(); }

auto bound = cadre::bind_portable(count, item{1, "text", {}});
auto lambda =
    cadre::bind_portable([](int a, const std::string& b) { return a + static_cast<int>(b.size()); }, 1, "text");
