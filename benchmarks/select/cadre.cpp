// The cost of a select of two ready channels beside that of one receive, on one serial loop and in shared memory.

#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <string>

namespace {

constexpr int batch = 1'000;
const int batches = bench::scaled(1'000, 5);

cadre::task<void> measure(std::string name, cadre::executor ex) {
    cadre::channel<int> a{ex, batch};
    cadre::channel<int> b{ex, batch};
    double receives = 0;
    double selects = 0;
    for (int n = 0; n != batches; ++n) {
        for (int i = 0; i != batch; ++i)
            co_await a.send(i);
        auto begin = bench::clock::now();
        for (int i = 0; i != batch; ++i)
            static_cast<void>(co_await a.receive());
        receives += bench::seconds_since(begin);

        for (int i = 0; i != batch / 2; ++i) {
            co_await a.send(i);
            co_await b.send(i);
        }
        begin = bench::clock::now();
        for (int i = 0; i != batch; ++i)
            static_cast<void>(co_await cadre::select(a.receive(), b.receive()));
        selects += bench::seconds_since(begin);
    }
    const double items = static_cast<double>(batch) * batches;
    bench::report(name + ", one receive", receives / items * 1e9, "ns");
    bench::report(name + ", select of two", selects / items * 1e9, "ns");
}

cadre::task<void> app() {
    co_await measure("serial", cadre::serial_executor{});
    co_await measure("process", cadre::process_executor{{.workers = 1}});
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    rt.run(app());
    return 0;
}
