// Access by the handle's own operator: the compiler must assume that each store may have changed the handle.

#include "blur/parameters.hpp"

int main() {
    blur::measure([](const blur::image& from, const blur::image& to) { blur::blur_all(from, to); });
    return 0;
}
