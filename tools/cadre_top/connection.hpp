/// @file
/// The connection of `cadre-top` to a program.
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

/// The socket of one program. The program belongs to the same user but is otherwise untrusted: its replies are
/// validated.
class connection {
public:
    /// Finds the socket of the process. @throws refused
    explicit connection(pid_t pid);

    /// Requests an observation. @throws refused
    [[nodiscard]] detail::observation::program observe() const;

private:
    pid_t pid_;
    std::string name_;  // without the null byte at its begin
};

}  // namespace cadre::top
