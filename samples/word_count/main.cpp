// Shows: a complete program. Counts lines, words and bytes of every file under the given paths, as wc does, and the ten
// most frequent words of all. Files are counted in parallel, with a progress value that all workers share; a file that
// cannot be read is reported, and the others are counted.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <range/v3/view/zip.hpp>

#include <cadre/cadre.hpp>

#include "find_files.hpp"
#include "tally.hpp"

using namespace std::chrono_literals;

namespace {

using paths = std::vector<std::filesystem::path>;
using counter = cadre::shared_value<std::uint64_t>;

/// The task, one per file: an ordinary function, which runs in this program or in a worker process.
tally count_one(counter finished, std::filesystem::path file) {
    struct on_exit {
        counter& finished;
        ~on_exit() { finished.fetch_add(1); }  // also if the file cannot be read
    } const count{finished};
    return count_file(file);
}

/// Shows the progress on a terminal until stop is requested; the sleep then ends with `cancelled`.
cadre::task<void> show_progress(counter finished, std::size_t total) {
    for (;;) {
        if (::isatty(STDERR_FILENO) != 0)
            std::cerr << '\r' << finished.load() << " of " << total << " files\r" << std::flush;
        co_await cadre::sleep_for(50ms);
    }
}

std::string reason(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& failure) {
        return failure.code().message();  // arrives from a worker as itself, with its code
    } catch (const std::exception& failure) {
        return failure.what();
    }
}

void print(const tally& count, const std::string& name) {
    std::cout << std::setw(8) << count.lines << std::setw(9) << count.words << std::setw(10) << count.bytes << ' '
              << name << '\n';
}

void print_most_frequent(const tally& total, std::size_t how_many) {
    std::vector<std::pair<std::string, std::uint64_t>> words(total.frequency.begin(), total.frequency.end());
    std::ranges::sort(words, [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    words.resize(std::min(words.size(), how_many));
    for (const auto& [word, count] : words)
        std::cout << std::setw(8) << count << ' ' << word << '\n';
}

cadre::task<int> app(cadre::executor ex, paths files, std::size_t failures, bool check) {
    counter finished{ex, 0};
    // The progress display never ends by itself: the counting ends first, and the display is stopped.
    auto counting = cadre::map_outcomes(ex, cadre::bind_portable(count_one, finished), files);
    auto winner = co_await cadre::when_any(std::move(counting), show_progress(finished, files.size()));
    const auto outcomes = get<0>(std::move(winner));

    tally total;
    tally checked;
    for (const auto& [file, outcome] : ranges::views::zip(files, outcomes)) {
        if (outcome.has_value()) {
            print(outcome.value(), file.string());
            total += outcome.value();
            if (check) checked += count_file(file);
        } else {
            report(file, reason(outcome.error()));
            ++failures;
        }
    }
    print(total, "total");
    std::cout << "the most frequent words:\n";
    print_most_frequent(total, 10);

    if (finished.load() != files.size()) {
        std::cerr << "word_count: " << finished.load() << " of " << files.size() << " files were finished\n";
        ++failures;
    }
    if (check &&
        (total.bytes != checked.bytes || total.lines != checked.lines || total.frequency != checked.frequency)) {
        std::cerr << "word_count: counting the files sequentially gives another result\n";
        ++failures;
    }
    co_return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here

    CLI::App options{"Counts lines, words and bytes, and the most frequent words, of all files under the paths"};
    paths roots{"/usr/share/common-licenses"};
    bool check = false;
    options.add_option("PATH", roots, "files and folders")->capture_default_str();
    options.add_flag("--check", check, "count once more sequentially and compare");
    CLI11_PARSE(options, argc, argv);

    paths files;
    std::size_t failures = 0;
    for (const auto& root : roots)
        failures += find_files(root, files);
    return rt.run(app(rt.executor(), std::move(files), failures, check || options.count("PATH") == 0));
}
