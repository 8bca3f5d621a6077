// A program that hangs: a scope of tasks that wait for each other. When all wait it aborts, for a core file; SPEC is
// its executor.

#include <cadre/cadre.hpp>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

cadre::task<> sends_too_much(cadre::channel<int> full) {
    for (int i = 0;; ++i)
        co_await full.send(i);
}

cadre::task<> reads_what_nobody_sends(cadre::channel<int> empty, cadre::async_event never) {
    static_cast<void>(co_await cadre::select(empty.receive(), never.wait()));
}

cadre::task<> keeps_on(cadre::async_mutex mutex) {
    const auto guard = co_await mutex.lock();
    co_await cadre::shield(cadre::sleep_for(24h));
}

cadre::task<> joins_a_pipeline(cadre::executor ex) {
    const cadre::channel<int> full{ex, 2};
    const cadre::channel<int> empty{ex, 2};
    cadre::scope stages;
    stages.spawn(sends_too_much(full));
    stages.spawn(reads_what_nobody_sends(empty, cadre::async_event{ex}));
    stages.spawn(keeps_on(cadre::async_mutex{ex}));
    co_await stages.join();
}

cadre::task<int> app(cadre::executor ex) {
    co_await cadre::on(ex.with({.name = "pipeline"}), joins_a_pipeline, ex);
    co_return 0;
}

namespace {

bool all_wait() {
    std::ostringstream text;
    cadre::dump_tasks(text);
    const auto has = [&](const char* part) { return text.view().find(part) != std::string_view::npos; };
    return has("(send)") && has("(select)") && has("(sleep)") && has("(join)");
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    std::thread watcher([] {
        while (!all_wait())
            std::this_thread::sleep_for(1ms);
        std::abort();
    });
    watcher.detach();
    return rt.run(app(rt.executor()));
}
