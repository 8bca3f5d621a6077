#include "map_calls/cadre.hpp"

int main() {
    cadre::runtime rt(cadre::config{.executor = "serial"});
    for (const char* spec : {"process:1", "process:2"})
        if (const int status = rt.run(map_calls::run(cadre::make_executor(spec))); status != 0) return status;
    return 0;
}
