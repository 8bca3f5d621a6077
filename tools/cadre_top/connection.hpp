/// @file
/// How `cadre-top` reaches the program.
#pragma once

#include "runtime/observation.hpp"

#include <stdexcept>
#include <string>

#include <sys/types.h>

namespace cadre::top {

/// Why the program cannot be observed: one line for the user.
class refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The socket of one program. The program is believed to be a program of the same user, and no more: what it sends is checked.
class connection {
public:
    /// Finds the socket of the process. @throws refused
    explicit connection(pid_t pid);

    /// Asks the program. @throws refused
    [[nodiscard]] detail::observation::program observe() const;

private:
    pid_t pid_;
    std::string name_;  // without the null byte at its begin
};

}  // namespace cadre::top
