#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

/// Reads a text in pieces of whole lines.
class piece_reader {
public:
    explicit piece_reader(const std::filesystem::path& file);
    /// The next piece, of about `piece_size` bytes; empty at the end.
    [[nodiscard]] std::string next();

    static constexpr std::size_t piece_size = std::size_t{1} << 20;

private:
    std::ifstream file_;
    std::string rest_;  // the begin of a line that the next piece ends
};

/// A file of measurements for trials, always the same for a size, removed at the end.
class trial_file {
public:
    explicit trial_file(std::size_t bytes);
    trial_file(const trial_file&) = delete;
    trial_file& operator=(const trial_file&) = delete;
    ~trial_file();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// Writes `bytes` of measurements, or a few more.
void write_measurements(const std::filesystem::path& file, std::size_t bytes);
