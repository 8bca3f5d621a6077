// A process executor with one worker.

#include "large_data/parameters.hpp"

#include <cadre/cadre.hpp>

#include <cstdlib>
#include <utility>

namespace {

using large_data::data;

std::uint64_t last_of(const data& values) { return values.back(); }

cadre::task<int> run(cadre::executor ex) {
    for (const auto& s : large_data::sizes) {
        std::vector<double> moved;
        std::vector<double> copied;
        std::vector<double> results;
        const data argument = large_data::make(s.bytes);
        for (unsigned i = 0; i != s.times + 1; ++i) {
            data given(argument);
            auto begin = bench::clock::now();
            if (co_await cadre::on(ex, last_of, std::move(given)) != 7) std::abort();
            moved.push_back(bench::seconds_since(begin) * 1e3);

            begin = bench::clock::now();
            if (co_await cadre::on(ex, last_of, argument) != 7) std::abort();
            copied.push_back(bench::seconds_since(begin) * 1e3);

            begin = bench::clock::now();
            const data result = co_await cadre::on(ex, large_data::make, s.bytes);
            if (result.back() != 7) std::abort();
            results.push_back(bench::seconds_since(begin) * 1e3);
        }
        const auto report = [&](const char* what, std::vector<double>& samples) {
            samples.erase(samples.begin());  // the first one warms up
            bench::report(std::string(what) + ", " + s.name, bench::quantile(samples, 0.5), "ms");
        };
        report("argument", moved);
        report("copied argument", copied);
        report("result", results);
    }
    co_return 0;
}

}  // namespace

int main() {
    cadre::runtime rt(cadre::config{.executor = "process:1"});
    return rt.run(run(rt.executor()));
}
