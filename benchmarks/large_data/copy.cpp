// One plain copy: into a fresh vector, of a vector that a function has made, and into memory that is in use.

#include "large_data/parameters.hpp"

#include <cstdlib>
#include <cstring>

int main() {
    for (const auto& s : large_data::sizes) {
        const large_data::data from = large_data::make(s.bytes);
        large_data::report(std::string("argument, ") + s.name, s.times, [&] {
            const large_data::data to(from);
            if (to.back() != from.back()) std::abort();
        });
        large_data::report(std::string("copied argument, ") + s.name, s.times, [&] {
            const large_data::data to(from);
            if (to.back() != from.back()) std::abort();
        });
        large_data::report(std::string("result, ") + s.name, s.times, [&] {
            const large_data::data made = large_data::make(s.bytes);
            const large_data::data to(made);
            if (to.back() != made.back()) std::abort();
        });
        large_data::data warm(from);
        large_data::report(std::string("memcpy into warm memory, ") + s.name, s.times, [&] {
            std::memcpy(warm.data(), from.data(), s.bytes);
            asm volatile("" : : "r"(warm.data()) : "memory");
        });
    }
    return 0;
}
