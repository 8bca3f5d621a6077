// Shows: a pipeline. A text is read in pieces of 1 MiB, parsed on the executor, aggregated and written. At most a few
// pieces are in memory, whatever the size of the text: the reader waits for the workers, and the workers for the
// consumer.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include <cadre/cadre.hpp>

#include "by_hand.hpp"
#include "measurements.hpp"
#include "peak_memory.hpp"
#include "text_file.hpp"

namespace {

cadre::stream<std::string> pieces_of(std::filesystem::path file) {
    piece_reader reader(file);
    for (std::string piece = reader.next(); !piece.empty(); piece = reader.next())
        co_yield std::move(piece);
}

cadre::task<totals> aggregate(cadre::executor ex, std::filesystem::path file) {
    const std::size_t window = std::clamp<std::size_t>(2 * ex.concurrency(), 4, 16);
    auto parsed = cadre::map_stream(ex, parse, pieces_of(file), {.ordered = false, .window = window});
    totals all;
    while (auto piece = co_await parsed.next())
        all.add(*piece);
    co_return all;
}

struct settings {
    std::filesystem::path input;
    std::filesystem::path output;
    std::size_t trial_megabytes = 8;
    std::size_t memory_limit = 0;  // MiB
    bool by_hand = false;
};

int run(cadre::runtime& rt, const settings& given) {
    const cadre::executor ex = rt.executor();
    std::optional<trial_file> trial;
    if (given.input.empty()) trial.emplace(given.trial_megabytes * 1'000'000);
    const auto& input = trial ? trial->path() : given.input;

    const auto begin = std::chrono::steady_clock::now();
    const totals all = given.by_hand ? aggregate_by_hand(input) : rt.run(aggregate(ex, input));
    const std::string report = all.report();
    if (!given.output.empty()) std::ofstream(given.output, std::ios::binary) << report;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

    const std::size_t peak = rt.run(peak_memory(ex));
    std::cout << all.lines() << " lines, " << std::ranges::count(report, '\n') << " stations\n"
              << report.substr(0, report.find('\n') + 1);
    std::cerr << took.count() << " s, the largest process " << peak << " MiB\n";
    if (given.memory_limit != 0 && peak >= given.memory_limit) {
        std::cerr << "pipeline: more than " << given.memory_limit << " MiB\n";
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here

    CLI::App options{"Lowest, mean and highest temperature of every station in a text of lines name;12.3"};
    settings given;
    std::filesystem::path made;
    options.add_option("FILE", given.input, "the text; without it a trial text is made and removed");
    options.add_option("--size", given.trial_megabytes, "megabytes of the trial text")->capture_default_str();
    options.add_option("--make", made, "only write the trial text to this file");
    options.add_option("--output", given.output, "the file for the table");
    options.add_option("--memory-limit", given.memory_limit, "fail if a process needs as many MiB");
    options.add_flag("--by-hand", given.by_hand, "use two threads and a mutex instead of the executor");
    CLI11_PARSE(options, argc, argv);

    try {
        if (!made.empty()) {
            write_measurements(made, given.trial_megabytes * 1'000'000);
            return EXIT_SUCCESS;
        }
        return run(rt, given);
    } catch (const std::exception& e) {
        std::cerr << "pipeline: " << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
