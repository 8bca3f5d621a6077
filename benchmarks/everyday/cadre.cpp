// What programs do most, in small: calls, maps, reductions and channels with the values of every day, on each kind.
#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <cstdint>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct record {
    int number = 0;
    std::string name{};
    std::vector<int> values{};
};

int next(int x) { return x + 1; }
std::string pass_text(std::string text) { return text; }
record pass_record(record r) { return r; }
std::vector<double> pass_numbers(std::vector<double> numbers) { return numbers; }
std::size_t size_of(std::string_view text) { return text.size(); }
cadre::task<void> send_numbers(cadre::channel<int> to, int count) {
    for (int i = 0; i != count; ++i)
        co_await to.send(i);
}
cadre::task<void> send_texts(cadre::channel<std::string> to, int count) {
    const std::string text(100, 'x');
    for (int i = 0; i != count; ++i)
        co_await to.send(text);
}

/// Reports the median of five runs of `body`, divided by the operations in one.
template <class Body>
cadre::task<void> report_each(std::string name, std::size_t operations, Body body) {
    std::vector<double> seconds;
    for (int i = 0; i != 5; ++i) {
        const auto begin = bench::clock::now();
        co_await body();
        seconds.push_back(bench::seconds_since(begin));
    }
    bench::report(name, bench::quantile(seconds, 0.5) / static_cast<double>(operations) * 1e9, "ns");
}

template <class Body>
cadre::task<void> report_calls(std::string name, std::size_t operations, Body body) {
    const std::size_t repetitions = bench::scaled<std::size_t>(2'000, 20);
    const auto all = [&]() -> cadre::task<void> {
        for (std::size_t i = 0; i != repetitions; ++i)
            co_await body();
    };
    co_await report_each(std::move(name), repetitions * operations, all);
}

cadre::task<void> measure_calls(cadre::executor ex, const std::string& kind) {
    const std::string text(100, 'x');
    const record some{1, "a record", {1, 2, 3}};
    const std::vector<double> numbers(1'000, 1.0);
    const auto call = [&](std::string_view name, auto f, const auto& value) {
        return report_calls("on, " + std::string(name) + ", " + kind, 1,
                            [&ex, f, &value]() -> cadre::task<void> { (void)co_await cadre::on(ex, f, value); });
    };
    co_await call("a number", next, 1);
    co_await call("a text of 100", pass_text, text);
    co_await call("a record", pass_record, some);
    co_await call("1,000 numbers", pass_numbers, numbers);
    co_await report_calls("spawn, " + kind, 1, [&]() -> cadre::task<void> {
        cadre::job<int> job = cadre::spawn(ex, next, 1);
        (void)co_await job;
    });
    co_await report_calls("timeout of a call, " + kind, 1, [&]() -> cadre::task<void> {
        (void)co_await cadre::timeout(std::chrono::seconds(5), cadre::on(ex, next, 1));
    });
    co_await report_calls("two calls at a time, " + kind, 2, [&]() -> cadre::task<void> {
        (void)co_await cadre::when_all(cadre::on(ex, next, 1), cadre::on(ex, next, 2));
    });
    co_await report_calls("ten calls at a time, " + kind, 10, [&]() -> cadre::task<void> {
        std::vector<cadre::task<int>> calls;
        for (int i = 0; i != 10; ++i)
            calls.push_back(cadre::on(ex, next, i));
        (void)co_await cadre::when_all(std::move(calls));
    });
}

cadre::task<void> measure_maps(cadre::executor ex, const std::string& kind) {
    const std::size_t n = bench::scaled<std::size_t>(20'000, 100);
    const std::vector<std::string> texts(n, std::string(100, 'x'));
    const std::vector<record> records(n / 4, record{1, "a record", {1, 2, 3}});
    const std::vector<std::vector<double>> vectors(n / 40 + 1, std::vector<double>(1'000, 1.0));
    const auto map = [&](std::string_view name, auto f, const auto& items) {
        const auto body = [&ex, f, &items]() -> cadre::task<void> {
            const auto results = co_await cadre::map(ex, f, items);
            bench::require(results.size() == items.size(), "map");
        };
        return report_each("map, " + std::string(name) + ", " + kind, items.size(), body);
    };
    co_await map("numbers", next, std::views::iota(0, static_cast<int>(n)));
    co_await map("texts to their sizes", size_of, texts);
    co_await map("texts", pass_text, texts);
    co_await map("records", pass_record, records);
    co_await map("vectors of 1,000 numbers", pass_numbers, vectors);
    co_await report_each("reduce, texts, " + kind, n, [&]() -> cadre::task<void> {
        const auto sum = co_await cadre::reduce(ex, size_of, std::plus<>{}, texts, std::size_t{0});
        bench::require(sum == 100 * n, "reduce");
    });
    co_await report_each("map_stream, texts, " + kind, n, [&]() -> cadre::task<void> {
        auto sizes = cadre::map_stream(ex, size_of, texts);
        std::size_t sum = 0;
        while (auto size = co_await sizes.next())
            sum += *size;
        bench::require(sum == 100 * n, "map_stream");
    });
}

cadre::task<void> measure_channels(cadre::executor ex, const std::string& kind) {
    const int n = bench::scaled(100'000, 100);
    const auto receive = [&](std::string_view name, auto channel, auto sender) {
        const auto body = [&ex, n, channel, sender]() mutable -> cadre::task<void> {
            auto sending = cadre::spawn(ex, sender, channel, n);
            for (int i = 0; i != n; ++i)
                (void)co_await channel.receive();
            co_await sending;
        };
        return report_each("channel, " + std::string(name) + ", " + kind, static_cast<std::size_t>(n), body);
    };
    co_await receive("numbers", cadre::channel<int>(ex, 1024), send_numbers);
    co_await receive("texts of 100", cadre::channel<std::string>(ex, 1024), send_texts);
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    return rt.run([]() -> cadre::task<int> {
        for (const std::string kind : {"serial", "thread:2", "process:1", "process:2"}) {
            const cadre::executor ex = cadre::make_executor(kind);
            co_await measure_calls(ex, kind);
            co_await measure_maps(ex, kind);
            co_await measure_channels(ex, kind);
        }
        co_return 0;
    });
}
