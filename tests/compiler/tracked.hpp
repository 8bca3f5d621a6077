// A value that detects a compiler that destroys it twice or never.
#pragma once

#include <string>
#include <utility>

namespace compiler_test {

inline const std::string long_text = "a text that is too long for the small buffer";

class tracked {
public:
    explicit tracked(std::string text = long_text) : text_(std::move(text)) { ++live; }
    tracked(const tracked& o) : text_(o.text_) { ++live; }
    tracked(tracked&& o) noexcept : text_(std::move(o.text_)) { ++live; }
    tracked& operator=(const tracked&) = default;
    tracked& operator=(tracked&&) = default;
    ~tracked() { --live; }
    const std::string& text() const noexcept { return text_; }

    static inline int live = 0;

private:
    std::string text_;
};

/// An aggregate with a non-trivial destructor: g++ 12 miscompiles such temporaries in awaiting expressions.
struct parcel {
    tracked content{};
    std::string label = "a label that is too long for the small buffer";
    int number = 0;
};

}  // namespace compiler_test
