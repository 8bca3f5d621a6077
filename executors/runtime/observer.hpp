/// @file
/// The server of `cadre-top`: a thread that sleeps until a client connects.
#pragma once

#include <memory>

namespace cadre::detail {

/// Only programs of the same user, and of root, get an answer.
class observer {
public:
    /// The observer of this process; it lives as long as one of its owners. Null if there is no descriptor or thread
    /// for it: then the program cannot be observed.
    [[nodiscard]] static std::shared_ptr<observer> start() noexcept;
    observer(const observer&) = delete;
    observer& operator=(const observer&) = delete;
    ~observer();

private:
    struct state;
    explicit observer(std::unique_ptr<state> s) noexcept;

    std::unique_ptr<state> state_;
};

}  // namespace cadre::detail
