#include "measurements.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace {

/// The stations of one piece by name: open addressing, names that point into the text.
class piece_table {
public:
    piece_table() : slots_(1024) {}
    void add(std::string_view name, std::uint64_t hash, std::int32_t tenths) {
        slot& s = find(name, hash);
        s.lowest = std::min(s.lowest, tenths);
        s.highest = std::max(s.highest, tenths);
        s.sum += tenths;
        ++s.count;
    }
    [[nodiscard]] std::vector<station> take() const {
        std::vector<station> all;
        all.reserve(used_);
        for (const slot& s : slots_)
            if (s.count != 0) all.push_back({std::string(s.name), s.lowest, s.highest, s.sum, s.count});
        return all;
    }

private:
    struct slot {
        std::string_view name;
        std::uint64_t hash = 0;
        std::int64_t sum = 0;
        std::uint64_t count = 0;
        std::int32_t lowest = 0;
        std::int32_t highest = 0;
    };
    slot& find(std::string_view name, std::uint64_t hash) {
        std::size_t at = hash % slots_.size();
        for (; slots_[at].count != 0; at = (at + 1) % slots_.size())
            if (slots_[at].hash == hash && slots_[at].name == name) return slots_[at];
        if (2 * used_ >= slots_.size()) {
            grow();
            return find(name, hash);
        }
        ++used_;
        slots_[at] = {name, hash, 0, 0, INT32_MAX, INT32_MIN};
        return slots_[at];
    }
    void grow() {
        std::vector<slot> old(2 * slots_.size());
        old.swap(slots_);
        for (const slot& s : old) {
            if (s.count == 0) continue;
            std::size_t at = s.hash % slots_.size();
            while (slots_[at].count != 0)
                at = (at + 1) % slots_.size();
            slots_[at] = s;
        }
    }

    std::vector<slot> slots_;
    std::size_t used_ = 0;
};

[[noreturn]] void refuse(const char* line, const char* end) {
    throw std::invalid_argument("not a measurement: " + std::string(line, std::find(line, end, '\n')));
}

}  // namespace

std::vector<station> parse(std::string_view lines) {
    piece_table table;
    const char* at = lines.data();
    const char* const end = at + lines.size();
    while (at != end) {
        const char* const line = at;
        std::uint64_t hash = 1469598103934665603u;  // FNV-1a
        for (; at != end && *at != ';' && *at != '\n'; ++at)
            hash = (hash ^ static_cast<unsigned char>(*at)) * 1099511628211u;
        if (at == end || *at == '\n') refuse(line, end);
        const std::string_view name(line, static_cast<std::size_t>(at - line));
        const bool negative = ++at != end && *at == '-';
        if (negative) ++at;
        std::int32_t tenths = 0;
        for (; at != end && *at != '\n'; ++at) {
            if (*at == '.') continue;
            if (*at < '0' || *at > '9') refuse(line, end);
            tenths = tenths * 10 + (*at - '0');
        }
        if (at != end) ++at;
        table.add(name, hash, negative ? -tenths : tenths);
    }
    return table.take();
}

void totals::add(const std::vector<station>& piece) {
    for (const station& s : piece) {
        lines_ += s.count;
        const auto [found, is_new] = stations_.try_emplace(s.name, s);
        if (is_new) continue;
        station& all = found->second;
        all.lowest = std::min(all.lowest, s.lowest);
        all.highest = std::max(all.highest, s.highest);
        all.sum += s.sum;
        all.count += s.count;
    }
}

std::string totals::report() const {
    std::string text;
    const auto degrees = [](std::int64_t tenths) {
        char number[32];
        std::snprintf(number, sizeof number, " %.1f", static_cast<double>(tenths) / 10);
        return std::string(number);
    };
    for (const auto& [name, s] : stations_)
        text +=
            name + degrees(s.lowest) + degrees(s.sum / static_cast<std::int64_t>(s.count)) + degrees(s.highest) + '\n';
    return text;
}
