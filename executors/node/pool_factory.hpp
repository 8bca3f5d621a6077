/// @file
/// The factory of the process executor of a host.
#pragma once

#include "common/pool_role.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

#include <exception>
#include <functional>
#include <utility>

namespace cadre::detail::node {

/// Makes the process executor of one host. @throws config_error
using pool_factory = std::function<executor(const process_options& options, pool_role role)>;

/// The reply of a call that failed with `error`.
[[nodiscard]] inline call_reply failed(std::exception_ptr error) {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(error);
    return reply;
}

}  // namespace cadre::detail::node
