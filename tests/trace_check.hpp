/// @file
/// Reads a trace and checks what holds for every one.
#pragma once

#include "json.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cadre::tests {

/// The events of a trace file.
class trace {
public:
    /// @throws std::runtime_error if the file is not valid JSON, or not a valid trace
    explicit trace(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        if (!file) throw std::runtime_error("cannot read " + path);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        events_ = json_parser::parse(text)["traceEvents"].items;
        check();
    }

    [[nodiscard]] const std::vector<json>& events() const noexcept { return events_; }
    [[nodiscard]] std::vector<json> with(const std::string& phase, const std::string& category) const {
        std::vector<json> found;
        for (const json& e : events_)
            if (e["ph"].text == phase && e["cat"].text == category) found.push_back(e);
        return found;
    }
    /// Those whose name contains `part`.
    [[nodiscard]] std::vector<json> named(const std::string& phase, const std::string& part) const {
        std::vector<json> found;
        for (const json& e : events_)
            if (e["ph"].text == phase && e["name"].text.find(part) != std::string::npos) found.push_back(e);
        return found;
    }
    /// An arrow from a call to its begin.
    struct arrow {
        json from;
        json to;
    };
    /// @throws std::runtime_error if an arrow ends that has not begun, or not in a slice
    [[nodiscard]] std::vector<arrow> arrows() const {
        std::map<std::string, json> begun;
        for (const json& e : with("s", "call"))
            begun.emplace(e["id"].text, e);
        std::vector<arrow> found;
        for (const json& e : with("f", "call")) {
            const auto from = begun.find(e["id"].text);
            if (from == begun.end()) throw std::runtime_error("an arrow without a begin: " + e["id"].text);
            if (slice_around(e) == nullptr || slice_around(from->second) == nullptr)
                throw std::runtime_error("an arrow outside of a slice: " + e["id"].text);
            if (e["ts"].number < from->second["ts"].number)
                throw std::runtime_error("a call begins before it was made: " + e["id"].text);
            found.push_back({from->second, e});
        }
        return found;
    }
    /// The innermost slice on the thread of `e` at its time; null: there is none.
    [[nodiscard]] const json* slice_around(const json& e) const {
        const json* found = nullptr;
        for (const json& s : events_)
            if (s["ph"].text == "X" && same_thread(s, e) && s["ts"].number <= e["ts"].number &&
                e["ts"].number <= end_of(s) && (found == nullptr || s["ts"].number >= (*found)["ts"].number))
                found = &s;
        return found;
    }
    [[nodiscard]] static double end_of(const json& slice) { return slice["ts"].number + slice["dur"].number; }
    [[nodiscard]] static bool same_thread(const json& a, const json& b) {
        return a["pid"].number == b["pid"].number && a["tid"].number == b["tid"].number;
    }

private:
    void check() const {
        for (const json& e : events_)
            if (e["ph"].is != json::type::string || e["name"].is != json::type::string ||
                e["pid"].is != json::type::number || e["tid"].is != json::type::number ||
                e["ts"].is != json::type::number)
                throw std::runtime_error("an event without a common member");
        check_slices();
        check_pairs("call", [](const json& e) { return e["id"].text; });
        check_pairs("wait", [](const json& e) {
            return std::to_string(static_cast<long>(e["pid"].number)) + e["id2"]["local"].text;
        });
    }

    // The slices of a thread are nested or apart.
    void check_slices() const {
        std::vector<const json*> slices;
        for (const json& e : events_)
            if (e["ph"].text == "X") slices.push_back(&e);
        constexpr double rounding = 0.0005;
        for (const json* a : slices)
            for (const json* b : slices)
                if (same_thread(*a, *b) && (*a)["ts"].number < (*b)["ts"].number &&
                    (*b)["ts"].number + rounding < end_of(*a) && end_of(*a) + rounding < end_of(*b))
                    throw std::runtime_error("slices overlap: " + (*a)["name"].text + " and " + (*b)["name"].text);
    }

    template <class Key>
    void check_pairs(const std::string& category, Key key) const {
        std::map<std::string, int> open;
        for (const json& e : events_) {
            if (e["cat"].text != category) continue;
            if (e["ph"].text == "b" && ++open[key(e)] > 1) throw std::runtime_error("begun twice: " + key(e));
            if (e["ph"].text == "e" && --open[key(e)] < 0) throw std::runtime_error("ended, not begun: " + key(e));
        }
    }

    std::vector<json> events_;
};

}  // namespace cadre::tests
