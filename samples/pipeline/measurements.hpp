#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What is known about one station: temperatures in tenths of a degree.
struct station {
    std::string name;
    std::int32_t lowest = 0;
    std::int32_t highest = 0;
    std::int64_t sum = 0;
    std::uint64_t count = 0;
};

/// The stage that runs on the executor: reads whole lines `name;12.3`. @return the stations in the text, in no order
std::vector<station> parse(std::string_view lines);

/// Combines the results of the pieces of a text.
class totals {
public:
    void add(const std::vector<station>& piece);
    /// One line a station, in the order of the names: lowest, mean, highest.
    [[nodiscard]] std::string report() const;
    [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

private:
    std::map<std::string, station, std::less<>> stations_;
    std::uint64_t lines_ = 0;
};
