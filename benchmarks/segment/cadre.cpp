#include "segment/parameters.hpp"

#include <cadre/cadre.hpp>
#include <cadre/shared_segment.hpp>

namespace {

using map = cadre::shared::map<int, int>;

cadre::task<void> insert(cadre::executor ex, std::string_view name, cadre::segment_options options, std::size_t size) {
    const cadre::shared_segment segment{ex, size, options};
    const int count = options.recoverable ? bench::scaled(5'000, 500) : segment::insertions;
    const auto begin = bench::clock::now();
    for (int i = 0; i != count; ++i) {
        auto guard = co_await segment.lock();
        guard.find_or_construct<map>("map").emplace(segment::key(i), i);
    }
    bench::report(name, bench::seconds_since(begin) / count * 1e9, "ns");
    const auto guard = co_await segment.lock();
    bench::require(guard.find<map>("map")->size() == static_cast<std::size_t>(count), name);
}

cadre::task<void> app(cadre::executor ex) {
    co_await insert(ex, "insertion", {.recoverable = false}, segment::bytes);
    co_await insert(ex, "insertion, recoverable, 5,000 elements", {}, std::size_t{1} << 20);
}

}  // namespace

int main() {
    cadre::runtime rt(cadre::config{.executor = "process:1"});
    rt.run(app(rt.executor()));
    return 0;
}
