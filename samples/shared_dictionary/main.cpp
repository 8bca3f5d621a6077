// Shows: a dictionary that all workers fill. The words of a text are counted in one `shared::map`, in memory that the
// tasks share; a worker that is killed in the middle of an update leaves no trace in it, and its block is counted
// again.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <cadre/cadre.hpp>
#include <cadre/shared_segment.hpp>

namespace {

constexpr int blocks = 100;
constexpr int words_per_block = 2'000;

using frequencies = cadre::shared::map<cadre::shared::string, std::uint64_t>;

/// A text with few frequent and many rare words; the same in every run.
std::vector<std::string> words_of_block(int block) {
    std::vector<std::string> words;
    std::uint64_t random = static_cast<std::uint64_t>(block) + 1;
    for (int i = 0; i < words_per_block; ++i) {
        random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        const std::uint64_t rank = 5'000 / ((random >> 40) % 5'000 + 1);
        words.push_back("word" + std::to_string(rank));
    }
    return words;
}

/// Counts the words of one block, all of them or none.
cadre::task<void> count_block(cadre::shared_segment dictionary, cadre::shared_value<int> kills, int block) {
    const std::vector<std::string> words = words_of_block(block);
    auto guard = co_await dictionary.lock();
    auto& counts = guard.find_or_construct<frequencies>("counts");
    for (int i = 0; i < words_per_block; ++i) {
        ++cadre::shared::value_of(counts, words[static_cast<std::size_t>(i)]);
        if (block == blocks / 2 && i == words_per_block / 2 && kills.exchange(0) == 1) std::raise(SIGKILL);
    }
}

cadre::task<int> app(cadre::executor ex) {
    const cadre::shared_segment dictionary{ex, 1 << 20};
    // Only a worker process can be killed without the program.
    const cadre::shared_value<int> kills{ex, ex.kind() == cadre::executor_kind::process ? 1 : 0};

    const auto begin = std::chrono::steady_clock::now();
    const auto count = cadre::bind_portable(count_block, dictionary, kills);
    co_await cadre::map(ex, count, std::views::iota(0, blocks), {.retries = 1});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

    const auto guard = co_await dictionary.lock_shared();
    const frequencies& counts = *guard.find<frequencies>("counts");
    std::vector<std::pair<std::string, std::uint64_t>> sorted;
    std::uint64_t total = 0;
    for (const auto& [word, times] : counts) {
        sorted.emplace_back(word.c_str(), times);
        total += times;
    }
    std::ranges::sort(sorted, [](const auto& a, const auto& b) { return a.second > b.second; });
    std::cout << total << " words, " << counts.size() << " different\n";
    for (const auto& [word, times] : sorted | std::views::take(5))
        std::cout << word << ' ' << times << '\n';
    std::cerr << took.count() << " s, " << ex.stats().restarts << " worker replaced\n";
    co_return total == std::uint64_t{blocks} * words_per_block ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
