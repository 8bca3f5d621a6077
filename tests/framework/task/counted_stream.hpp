/// @file
/// A stream that counts what is read from it.
#pragma once

#include <cadre/sleep.hpp>
#include <cadre/stream.hpp>

namespace stream_tests {

struct source_log {
    int read = 0;
    int ended = 0;
};

/// 0, 1, 2, …; suspends before every second element, counts what was read, and its own end.
inline cadre::stream<int> counting(source_log& log, int n = 1'000'000) {
    struct note {
        int& n;
        ~note() { ++n; }
    } const at_end{log.ended};
    for (int i = 0; i < n; ++i) {
        if (i % 2 != 0) co_await cadre::yield();
        ++log.read;
        co_yield i;
    }
}

}  // namespace stream_tests
