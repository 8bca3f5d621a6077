// A range whose elements do not convert.
// expect: the elements of the range do not convert to T

#include <string>
#include <vector>

#include <cadre/shared_array.hpp>

void make(const cadre::executor& ex) { cadre::shared_array<int> a{ex, std::vector<std::string>{"1"}}; }
