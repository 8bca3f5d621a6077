// What is counted, and how one file is counted: ordinary C++ that knows nothing of executors.
#pragma once

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

/// What is found in one file, or in all. An aggregate of standard types, which crosses a process border as it is.
struct tally {
    std::uint64_t lines = 0;
    std::uint64_t words = 0;
    std::uint64_t bytes = 0;
    std::unordered_map<std::string, std::uint64_t> frequency{};

    /// A word is what stands between white space, as for wc. For its frequency neither the case of its letters nor
    /// the punctuation around it matters.
    void add_word(const std::string& word) {
        ++words;
        const auto belongs = [](unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; };
        const auto first = std::ranges::find_if(word, belongs);
        const auto last = std::find_if(word.rbegin(), std::make_reverse_iterator(first), belongs).base();
        std::string key(first, last);
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (!key.empty()) {
            ++frequency[key];
        }
    }

    tally& operator+=(const tally& other) {
        lines += other.lines;
        words += other.words;
        bytes += other.bytes;
        for (const auto& [word, count] : other.frequency) {
            frequency[word] += count;
        }
        return *this;
    }
};

/// Counts one file; std::system_error if it cannot be opened or read to its end.
inline tally count_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::system_error(errno, std::generic_category(), path.string());
    }
    tally result;
    std::string word;
    std::vector<char> block(1 << 16);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
        result.bytes += static_cast<std::uint64_t>(file.gcount());
        for (auto c = block.begin(); c != block.begin() + file.gcount(); ++c) {
            result.lines += *c == '\n';
            if (std::isspace(static_cast<unsigned char>(*c)) == 0) {
                word += *c;
            } else if (!word.empty()) {
                result.add_word(word);
                word.clear();
            }
        }
    }
    if (!file.eof()) {
        throw std::system_error(errno, std::generic_category(), path.string());
    }
    if (!word.empty()) {
        result.add_word(word);
    }
    return result;
}
