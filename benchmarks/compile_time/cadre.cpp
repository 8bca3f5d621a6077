// Seconds to compile one small file, for each installed compiler: -std=c++20 -O2 -c.

#include "report.hpp"

#include <cstdlib>
#include <string>

namespace {

constexpr const char* compilers[] = {"clang++-22", "clang++-19", "g++"};
constexpr const char* sources[] = {"standard_headers", "include_cadre", "on_and_map"};

bool runs(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

}  // namespace

int main() {
    const std::string root = CADRE_SOURCE_DIR;
    const std::string folder = root + "/benchmarks/compile_time/sources/";
    const std::string includes = " -I" + root + "/framework/include -I" + root + "/executors/include";
    for (const char* compiler : compilers) {
        if (!runs(std::string(compiler) + " --version")) continue;
        for (const char* source : sources) {
            const std::string command =
                std::string(compiler) + " -std=c++20 -O2 -c" + includes + " -o /dev/null " + folder + source + ".cpp";
            const auto begin = bench::clock::now();
            if (!runs(command)) return 1;
            bench::report(std::string(compiler) + " " + source, bench::seconds_since(begin), "s");
        }
    }
    return 0;
}
