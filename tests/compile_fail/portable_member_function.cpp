// expect: a pointer to member is not portable; pass a captureless lambda that calls or reads the member

#include <cadre/bind_portable.hpp>

struct image {
    int width;
    int area(int height) const { return width * height; }
};

auto bound = cadre::bind_portable(&image::area, image{3});
