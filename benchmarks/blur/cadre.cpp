#include "blur/parameters.hpp"

int main() {
    blur::measure([](const blur::image& from, const blur::image& to) { blur::blur_all(from.view(), to.view()); });
    return 0;
}
