#include "text_file.hpp"

#include <array>
#include <cstdint>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace {

[[noreturn]] void fail(const std::filesystem::path& file) {
    throw std::system_error(errno, std::generic_category(), file.string());
}

}  // namespace

piece_reader::piece_reader(const std::filesystem::path& file) {
    file_.rdbuf()->pubsetbuf(nullptr, 0);  // pieces are large: no buffer in between
    file_.open(file, std::ios::binary);
    if (!file_) fail(file);
}

std::string piece_reader::next() {
    std::string piece = std::exchange(rest_, {});
    while (file_) {
        const std::size_t before = piece.size();
        piece.resize(before + piece_size);
        file_.read(piece.data() + before, static_cast<std::streamsize>(piece_size));
        piece.resize(before + static_cast<std::size_t>(file_.gcount()));
        if (!file_) break;  // the last line may lack its end
        if (const auto end = piece.rfind('\n'); end != std::string::npos) {
            rest_.assign(piece, end + 1);
            piece.resize(end + 1);
            break;
        }
    }
    return piece;
}

trial_file::trial_file(std::size_t bytes)
    : path_(std::filesystem::temp_directory_path() / ("measurements." + std::to_string(::getpid()))) {
    write_measurements(path_, bytes);
}

trial_file::~trial_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

void write_measurements(const std::filesystem::path& file, std::size_t bytes) {
    std::ofstream out(file, std::ios::binary);
    std::uint64_t state = 1;
    const auto random = [&state] {  // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    };
    static constexpr std::array names{"Aabenraa",  "Berlin",    "Cluj-Napoca", "Dakar",
                                      "Edinburgh", "Fortaleza", "Genova",      "Hamburg"};
    std::string lines;
    for (std::size_t written = 0; written < bytes; written += lines.size()) {
        lines.clear();
        while (lines.size() < std::size_t{1} << 16 && written + lines.size() < bytes) {
            const std::uint64_t r = random();
            const auto tenths = static_cast<int>((r >> 32) % 1000) - 300;
            lines += names[r % names.size()];
            lines += '-' + std::to_string((r >> 8) % 50) + (tenths < 0 ? ";-" : ";");
            lines += std::to_string(std::abs(tenths) / 10) + '.' + std::to_string(std::abs(tenths) % 10) + '\n';
        }
        out << lines;
    }
    out.close();
    if (!out) fail(file);
}
