// Counting of one file: ordinary C++ without executors.
#pragma once

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <clocale>
#include <cstddef>
#include <cstdint>
#include <cwchar>
#include <cwctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

/// The counts of one file, or of all. An aggregate of standard types, which is portable.
struct tally {
    std::uint64_t lines = 0;
    std::uint64_t words = 0;
    std::uint64_t bytes = 0;
    std::unordered_map<std::string, std::uint64_t> frequency{};

    /// A word is a sequence without white space. Its frequency ignores the case of its letters and the punctuation
    /// around it.
    void add_word(const std::string& word) {
        ++words;
        const auto belongs = [](unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; };
        const auto first = std::ranges::find_if(word, belongs);
        const auto last = std::find_if(word.rbegin(), std::make_reverse_iterator(first), belongs).base();
        std::string key(first, last);
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (!key.empty()) ++frequency[key];
    }

    tally& operator+=(const tally& other) {
        lines += other.lines;
        words += other.words;
        bytes += other.bytes;
        for (const auto& [word, count] : other.frequency)
            frequency[word] += count;
        return *this;
    }
};

/// Counts text that arrives in blocks.
class text_counter {
public:
    /// @return the number of bytes consumed: all but an incomplete character at the end
    std::size_t take(std::string_view text) {
        const std::size_t size = text.size();
        while (!text.empty()) {
            auto letter = static_cast<wchar_t>(static_cast<unsigned char>(text.front()));
            std::size_t length = 1;
            if (letter >= 0x80) {  // beyond ASCII: by the locale
                std::mbstate_t start{};
                length = std::mbrtowc(&letter, text.data(), text.size(), &start);
                if (length == incomplete) break;
                if (length > text.size()) {  // an invalid byte: wc ignores it as well
                    text.remove_prefix(1);
                    continue;
                }
            }
            take(letter, text.substr(0, length));
            text.remove_prefix(length);
        }
        count_.bytes += size - text.size();
        return size - text.size();
    }

    /// The counts; `rest` is what `take` did not consume.
    tally finish(std::string_view rest) {
        count_.bytes += rest.size();
        end_word();
        return std::move(count_);
    }

private:
    static constexpr auto incomplete = static_cast<std::size_t>(-2);

    void take(wchar_t letter, std::string_view bytes) {
        count_.lines += letter == L'\n';
        if (is_space(letter))
            end_word();
        else if (is_printable(letter))
            word_ += bytes;
    }
    static bool is_printable(wchar_t letter) { return std::iswprint(static_cast<std::wint_t>(letter)) != 0; }
    static bool is_space(wchar_t letter) {
        if (letter < 0x80) return std::isspace(static_cast<int>(letter)) != 0;
        constexpr std::wstring_view no_break_spaces = L"\u00a0\u2007\u202f\u2060";
        const bool space = std::iswspace(static_cast<std::wint_t>(letter)) != 0;
        return is_printable(letter) && (space || no_break_spaces.find(letter) != no_break_spaces.npos);
    }
    void end_word() {
        if (!word_.empty()) {
            count_.add_word(word_);
            word_.clear();
        }
    }

    tally count_;
    std::string word_;
};

/// Counts one file. @throws std::system_error if it cannot be opened or read to its end
inline tally count_file(const std::filesystem::path& path) {
    // The encoding depends on the user's locale, which every process sets by itself.
    [[maybe_unused]] static const char* const locale = std::setlocale(LC_CTYPE, "");

    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::system_error(errno, std::generic_category(), path.string());
    text_counter counter;
    std::vector<char> block(1 << 16);
    std::size_t kept = 0;  // bytes of an incomplete character at the start of the block
    while (file.read(block.data() + kept, static_cast<std::streamsize>(block.size() - kept)) || file.gcount() > 0) {
        const std::size_t filled = kept + static_cast<std::size_t>(file.gcount());
        const std::size_t taken = counter.take({block.data(), filled});
        kept = filled - taken;
        std::copy_n(block.data() + taken, kept, block.data());
    }
    if (!file.eof()) throw std::system_error(errno, std::generic_category(), path.string());
    return counter.finish({block.data(), kept});
}
