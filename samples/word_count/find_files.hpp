// Finds the files below the paths of the command line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

/// One line on stderr, in the format of wc.
inline void report(const std::filesystem::path& path, const std::string& problem) {
    std::cerr << "word_count: " << path.string() << ": " << problem << '\n';
}

/// Whether an entry of a folder is a file or folder to visit.
inline bool countable(const std::filesystem::directory_entry& entry) {
    std::error_code ignored;
    switch (entry.status(ignored).type()) {
        case std::filesystem::file_type::directory: return !entry.is_symlink(ignored);  // a link may form a cycle
        case std::filesystem::file_type::block:
        case std::filesystem::file_type::character:
        case std::filesystem::file_type::fifo:
        case std::filesystem::file_type::socket: return false;  // reading it might block for ever
        default: return true;  // broken links too: opening one gives the error to report
    }
}

/// Appends the files at or below `path`, sorted; returns the number of folders that could not be listed.
inline std::size_t find_files(const std::filesystem::path& path, std::vector<std::filesystem::path>& files) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        files.push_back(path);
        return 0;
    }
    const std::filesystem::directory_iterator folder(path, error);
    if (error) {
        report(path, error.message());
        return 1;
    }
    std::vector<std::filesystem::path> entries;
    for (const auto& entry : folder)
        if (countable(entry)) entries.push_back(entry.path());
    std::ranges::sort(entries);
    std::size_t failures = 0;
    for (const auto& entry : entries)
        failures += find_files(entry, files);
    return failures;
}
