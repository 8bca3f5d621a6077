/// @file
/// The dump of tasks as a text, for tests.
#pragma once

#include <chrono>
#include <sstream>
#include <string>
#include <thread>

#include <cadre/dump_tasks.hpp>

namespace dump_tests {

inline std::string dump() {
    std::ostringstream out;
    cadre::dump_tasks(out);
    return out.str();
}

/// Dumps until one contains `part`. @return the last one, which does not contain it if none has for ten seconds
inline std::string dump_with(const std::string& part) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
        std::string text = dump();
        if (text.find(part) != std::string::npos || std::chrono::steady_clock::now() > end) return text;
    }
}

}  // namespace dump_tests
