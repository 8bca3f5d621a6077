#include "map_calls/cadre.hpp"

int main() {
    for (const char* spec : {"thread:1", "thread:2"}) {
        const cadre::executor ex = cadre::make_executor(spec);
        if (const int status = cadre::sync_wait(cadre::on(ex, map_calls::run, ex)); status != 0) return status;
    }
    return 0;
}
