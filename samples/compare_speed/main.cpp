// Shows: the speed-up of threads and processes for work that only computes. The sum of i + i^2 + i^3 for i below n is
// computed twice: sequentially, by two threads, and by two worker processes.
//
// The answer for the default n does not fit into 64 bits, so the sum is exact in 128.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <cadre/cadre.hpp>

namespace {

__extension__ using wide = unsigned __int128;  // an extension of both compilers

/// A 128-bit number as an aggregate, which is portable.
struct sum128 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
};

sum128 sum_of_powers(std::uint64_t n) {
    wide sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
        // Prevents the compiler from replacing the loop by the closed formula of the sum.
        asm volatile("" : "+r"(i));
        const wide x = i;
        sum += x + x * x + x * x * x;
    }
    return {static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum)};
}

wide operator+(sum128 a, sum128 b) { return ((wide{a.high} << 64) | a.low) + ((wide{b.high} << 64) | b.low); }

/// The closed formula, to check the result.
wide expected(std::uint64_t n) {
    const wide m = n;
    const wide triangle = m * (m - 1) / 2;
    return 2 * (triangle + triangle * (2 * m - 1) / 3 + triangle * triangle);
}

std::string to_text(wide value) {
    std::string digits;
    do {
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
        value /= 10;
    } while (value != 0);
    return digits;
}

struct contender {
    std::string name;
    std::function<cadre::task<wide>(std::uint64_t)> run;
    double best_ms = 0;
    wide answer = 0;
};

cadre::task<wide> sequentially(std::uint64_t n) { co_return sum_of_powers(n) + sum_of_powers(n); }

cadre::task<wide> in_parallel(cadre::executor ex, std::uint64_t n) {
    const auto [a, b] = co_await cadre::when_all(cadre::on(ex, sum_of_powers, n), cadre::on(ex, sum_of_powers, n));
    co_return a + b;
}

cadre::task<int> app(std::uint64_t n, unsigned repeat) {
    const auto threads = cadre::make_executor("thread:2");
    const auto processes = cadre::make_executor("process:2");
    std::vector<contender> contenders;
    contenders.push_back({"normal", sequentially});
    contenders.push_back({"two threads", [=](std::uint64_t m) { return in_parallel(threads, m); }});
    contenders.push_back({"two processes", [=](std::uint64_t m) { return in_parallel(processes, m); }});

    for (auto& contender : contenders) {
        co_await contender.run(0);  // warm-up: the start of the workers is not measured
        for (unsigned i = 0; i < repeat; ++i) {
            const auto start = std::chrono::steady_clock::now();
            contender.answer = co_await contender.run(n);
            const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
            contender.best_ms = i == 0 ? took.count() : std::min(contender.best_ms, took.count());
        }
    }

    const double slowest = std::ranges::max(contenders, {}, &contender::best_ms).best_ms;
    const wide right_answer = expected(n);
    bool right = true;
    std::cout << "the sum of i + i^2 + i^3 for i < " << n << ", twice; the best of " << repeat << " runs\n";
    for (const auto& contender : contenders) {
        const auto width = static_cast<std::size_t>(40 * contender.best_ms / slowest + 0.5);
        std::cout << std::left << std::setw(14) << contender.name << std::right << std::fixed << std::setprecision(3)
                  << std::setw(10) << contender.best_ms << " ms  " << std::string(width, '#') << '\n';
        if (contender.answer != right_answer) {
            std::cerr << "compare_speed: " << contender.name << ": expected " << to_text(right_answer) << ", got "
                      << to_text(contender.answer) << '\n';
            right = false;
        }
    }
    std::cout << "answer: " << to_text(contenders.front().answer) << '\n';
    co_return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here

    CLI::App options{"The same sum sequentially, by two threads, by two processes"};
    std::uint64_t n = 1'000'000;
    unsigned repeat = 20;
    options.add_option("--n", n, "number of terms")->check(CLI::Range(1ull, 4'000'000'000ull))->capture_default_str();
    options.add_option("--repeat", repeat, "runs of each contender; the fastest counts")
        ->check(CLI::Range(1u, 1'000'000u))
        ->capture_default_str();
    CLI11_PARSE(options, argc, argv);

    return rt.run(app(n, repeat));
}
