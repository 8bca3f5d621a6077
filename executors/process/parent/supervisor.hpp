/// @file
/// The thread that supervises the workers while the application's loop computes.
#pragma once

#include "process/os/unique_fd.hpp"
#include "process/parent/pool.hpp"

#include <memory>
#include <set>
#include <thread>

namespace cadre::detail::process_parent {

/// Handles deaths, deadlines, output, replacements, completions that a busy loop leaves, and the state plane. Ends when
/// the pool has quit.
class supervisor {
public:
    /// Starts the thread, which keeps the pool alive. Throws std::system_error.
    explicit supervisor(std::shared_ptr<pool> p);
    supervisor(const supervisor&) = delete;
    supervisor& operator=(const supervisor&) = delete;
    /// `pool::quit` must have been called. Joins the thread, unless this is the thread.
    ~supervisor();

private:
    std::thread thread_;
};

}  // namespace cadre::detail::process_parent
