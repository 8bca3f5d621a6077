/// @file
/// Counts the live levels of a recursive coroutine.
#pragma once

namespace cadre_test {

struct level_guard {
    explicit level_guard(int& live) : live_(live) { ++live_; }
    level_guard(const level_guard&) = delete;
    level_guard& operator=(const level_guard&) = delete;
    ~level_guard() { --live_; }
    int& live_;
};

}  // namespace cadre_test
