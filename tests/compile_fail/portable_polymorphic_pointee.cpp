// expect: may own a derived object, which would be sliced; pass a std::variant of the concrete types

#include <cadre/bind_portable.hpp>

struct shape {
    virtual ~shape() = default;
};
void draw(std::unique_ptr<shape>) {}

auto bound = cadre::bind_portable(draw, std::make_unique<shape>());
