// check_trace FILE: status 0 if the file is a valid trace with an arrow to each of the three calls of `work`.

#include "trace_check.hpp"

#include <cstdio>
#include <exception>

int main(int, char** argv) {
    try {
        const cadre::tests::trace t(argv[1]);
        int calls = 0;
        for (const auto& arrow : t.arrows())
            if (t.slice_around(arrow.to)->operator[]("name").text.find("work(int)") != std::string::npos) ++calls;
        if (calls != 3) throw std::runtime_error(std::to_string(calls) + " arrows to 'work' instead of 3");
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", argv[1], e.what());
        return 1;
    }
}
