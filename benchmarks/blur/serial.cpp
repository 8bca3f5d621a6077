// Raw pointers.

#include "blur/parameters.hpp"

namespace {

void blur_pointers(const std::uint8_t* in, std::uint8_t* out, std::size_t rows, std::size_t columns) {
    for (std::size_t i = 1; i + 1 < rows; ++i)
        for (std::size_t j = 1; j + 1 < columns; ++j) {
            const std::uint8_t* const here = in + i * columns + j;
            out[i * columns + j] = static_cast<std::uint8_t>(
                (here[-static_cast<std::ptrdiff_t>(columns)] + here[columns] + here[-1] + here[1] + 4 * *here) / 8);
        }
}

}  // namespace

int main() {
    blur::measure([](const blur::image& from, const blur::image& to) {
        blur_pointers(from.data(), to.data(), from.extent(0), from.extent(1));
    });
    return 0;
}
