// expect: not portable: a view (std::string_view, std::span, a range view) does not own its elements; pass an owner

#include <cadre/bind_portable.hpp>

#include <span>
#include <vector>

int sum(std::span<int> values) { return static_cast<int>(values.size()); }  // may write: a copy would lose that

std::vector<int> numbers{1, 2, 3};
auto bound = cadre::bind_portable(sum, numbers);
