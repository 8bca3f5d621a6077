// expect: not portable: a view (std::string_view, std::span, a range view) does not own its elements; pass an owner

#include <cadre/bind_portable.hpp>

#include <span>

int sum(std::span<const int> values) { return static_cast<int>(values.size()); }

auto bound = cadre::bind_portable(sum, std::vector<int>{1, 2, 3});
