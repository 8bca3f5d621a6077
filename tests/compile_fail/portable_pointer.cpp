// expect: not portable: a pointer means nothing in another process; pass the value it points to

#include <cadre/bind_portable.hpp>

std::size_t length(const char* text) { return std::string(text).size(); }

auto bound = cadre::bind_portable(length, "text");
