#include "locks/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

cadre::task<void> increment(cadre::async_mutex m, cadre::shared_array<std::uint64_t> a, std::uint64_t times) {
    std::uint64_t& number = a[0];
    for (std::uint64_t i = 0; i != times; ++i) {
        const auto guard = co_await m.lock();
        number = number + 1;
    }
}

cadre::task<std::uint64_t> read(cadre::async_shared_mutex m, cadre::shared_array<std::uint64_t> a,
                                std::uint64_t times) {
    std::uint64_t sum = 0;
    const std::uint64_t& number = a[0];
    for (std::uint64_t i = 0; i != times; ++i) {
        const auto guard = co_await m.lock_shared();
        sum += number;
    }
    co_return sum;
}

cadre::task<void> app() {
    {
        const cadre::executor ex = cadre::process_executor{{.workers = 2}};
        const cadre::async_mutex m{ex};
        const cadre::shared_array<std::uint64_t> a{ex, 1};
        co_await cadre::on(ex, increment, m, a, locks::increments / 10);
        auto begin = bench::clock::now();
        co_await cadre::on(ex, increment, m, a, locks::increments);
        bench::report("increments, one process", static_cast<double>(locks::increments) / bench::seconds_since(begin),
                      "/s");
        begin = bench::clock::now();
        co_await cadre::when_all(cadre::on(ex, increment, m, a, locks::increments / 2),
                                 cadre::on(ex, increment, m, a, locks::increments / 2));
        bench::report("increments, two processes", static_cast<double>(locks::increments) / bench::seconds_since(begin),
                      "/s");
        bench::require(a[0] == locks::increments / 10 + 2 * locks::increments, "increments");
    }
    for (const unsigned threads : bench::thread_counts) {
        const cadre::executor ex = cadre::thread_executor{{.workers = static_cast<int>(threads)}};
        const cadre::async_shared_mutex m{ex};
        const cadre::shared_array<std::uint64_t> a{ex, 1};
        a[0] = 1;
        std::vector<cadre::job<std::uint64_t>> readers;
        const auto begin = bench::clock::now();
        for (unsigned i = 0; i != threads; ++i)
            readers.push_back(cadre::spawn(ex, read, m, a, locks::reads));
        std::uint64_t sum = 0;
        for (const std::uint64_t each : co_await cadre::when_all(std::move(readers)))
            sum += each;
        bench::report("readers, " + bench::threads_name(threads),
                      static_cast<double>(threads * locks::reads) / bench::seconds_since(begin), "/s");
        bench::require(sum == threads * locks::reads, "readers");
    }
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    rt.run(app());
    return 0;
}
