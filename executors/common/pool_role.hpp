/// @file
/// What a process executor stands for, if it is the part of a larger executor on one host.
#pragma once

#include <string>

#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

struct pool_role {
    executor_identity identity{};  ///< of the handles that workers decode to their own executor
    executor_kind kind =
        executor_kind::process;  ///< as tasks in workers see it; another one: it shares no memory with other hosts
    std::string host{};  ///< that errors name; empty: none
};

}  // namespace cadre::detail
